"""The web faces: the chat, the HTTP interface and the pages of the sources, behind one guard."""
