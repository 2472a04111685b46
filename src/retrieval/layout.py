"""What stands in the folder of an index, and in that of a generation: names of files and folders."""

CACHE_FOLDER = "cache"
"""In the folder of the index: what can be made again, vectors and readings."""

FORMER_TEXTS = "texts.sqlite"
"""In the folder of the index: the texts that documents had before."""

# in the folder of a generation
STORE, DENSE = "store.sqlite", "passages.faiss"
SUGGESTIONS = "suggestions.json"
LEXICAL, LETTERS, DOCUMENT_WORDS = "lexical", "letters", "document_words"
ITEM_WORDS, ITEM_LETTERS, ITEM_PASSAGES = "item_words", "item_letters", "item_passages.npy"
SENTENCES, SENTENCE_STARTS = "sentences.npy", "sentence_starts.npy"
CONTEXTS, PASSAGE_CONTEXTS, PASSAGE_DOCUMENTS, SAME_AS = (
    "contexts.npy",
    "passage_contexts.npy",
    "passage_documents.npy",
    "same_as.npy",
)
BACKGROUND, SPELLING = "background.npy", "spelling"
