"""ID360 (Docaposte): callbacks announce a status, the report holds the result."""
