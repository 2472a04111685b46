"""Every error that vraagbaak raises on purpose.

A message says what was found, what was expected and what to do: in English for the operator, in
Dutch for the visitor (``QuestionError`` and ``BusyError``). They are caught at the edges only.
"""


class VraagbaakError(Exception):
    """The root: an operator reads its message, the command line exits with status 1."""


class SettingsError(VraagbaakError):
    """A setting is unknown or has a value that cannot be used."""


class CorpusError(VraagbaakError):
    """The corpus folder as a whole cannot be used: missing, empty, or no readable file in it."""


class UnreadableFileError(CorpusError):
    """One file of the corpus cannot be read; the build leaves it out and reports its name and the reason."""


class EmbedderError(VraagbaakError):
    """The embedder cannot be loaded, or is used in a way that would spoil its vectors."""


class RerankerError(VraagbaakError):
    """The cross-encoder that is set cannot be loaded, or gives something else than one score for a text."""


class BrokenIndexError(VraagbaakError):
    """The index on disk is absent, damaged or made by something else than is asked for."""


class BrokenVerdictError(VraagbaakError):
    """The file of the verdict's weights is absent, damaged or made for another embedder."""


class JudgmentsError(VraagbaakError):
    """A file of judged questions, or a BEIR folder, is not what it should be."""


class OutputError(VraagbaakError):
    """What a command has to tell cannot be written."""


class FeedbackError(VraagbaakError):
    """The file of feedback cannot be written, or is something else than that."""


class QuestionError(VraagbaakError):
    """A visitor's question or history is outside the limits; the message is Dutch."""


class BusyError(VraagbaakError):
    """Too many questions are under way at once; the message is Dutch."""
