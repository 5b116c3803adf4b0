"""What takes a message to an applicant: a mail server, or an HTTP gateway."""
