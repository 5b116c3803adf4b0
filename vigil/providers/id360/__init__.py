"""ID360 (Docaposte): callbacks that announce, a report that tells."""
