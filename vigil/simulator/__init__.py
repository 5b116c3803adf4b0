"""All senders, played: their callbacks, their result endpoints and their bad days."""
