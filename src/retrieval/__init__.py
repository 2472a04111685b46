"""Vraagbaak: ask a body of Dutch texts a question and get the sentence that answers it, word for word."""
