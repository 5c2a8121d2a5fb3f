"""The native protocol, described from the types that carry it.

Nothing here is written twice: schemas follow from the structs, sentences from the docstrings.
``tools/generate_protocol.py`` writes the documents to ``protocol/``, and the server offers the
same at ``/protocol/``.
"""
