"""What every test stands on: no settings of the developer's shell, one real index of the corpus,
and real models that are small enough to know by heart, or to be made at once."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from retrieval.answerability import Answerability
from retrieval.building import update_index
from retrieval.corpus import read_corpus
from retrieval.embedding import open_corpus_embedder
from retrieval.rehearsing import Rehearsal
from retrieval.settings import DEFAULT_EMBEDDER, PREFIX

CORPUS = Path(__file__).parent.parent / "corpus"

WORDS = (
    *("[PAD]", "[UNK]", "[CLS]", "[SEP]", "query", ":", "passage", "de", "wie", "krijgt"),
    *("informatie", "van", "het", "aivd", "politie", ".", "?", "##en"),
)


@pytest.fixture(scope="session", autouse=True)
def _no_settings_of_the_shell() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.upper().startswith(PREFIX)]:
            patch.delenv(name)
        yield


@pytest.fixture(scope="session")
def aivd_index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the index of corpus/, made with the default model. Only read it; copy it to change it."""
    folder = tmp_path_factory.mktemp("aivd") / "index"
    embedder = open_corpus_embedder(DEFAULT_EMBEDDER, None, None)
    update_index(
        read_corpus(CORPUS),
        folder,
        lambda: embedder,
        embedder.fingerprint,
        rehearse=Rehearsal(embedder, Answerability.load()),
    )
    return folder


@pytest.fixture(scope="session")
def cross_encoder(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Makes the folder of a BERT of two layers that scores whether question or text holds a word."""

    def make(word: str, labels: int = 1) -> Path:
        import torch
        from transformers import BertConfig, BertForSequenceClassification, BertTokenizer

        folder = tmp_path_factory.mktemp("cross-encoder") / word
        vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", word, "de", "##n"]
        config = BertConfig(
            vocab_size=len(vocabulary),
            hidden_size=4,
            num_hidden_layers=2,
            num_attention_heads=1,
            intermediate_size=4,
            num_labels=labels,
        )
        model = BertForSequenceClassification(config)
        with torch.no_grad():
            for name, weights in model.named_parameters():
                weights.fill_(float(name.endswith("LayerNorm.weight")))
            # the word alone is not the zero vector; every token looks at all tokens alike, and the first
            # takes over what it sees of the word, which the last layer reads
            model.bert.embeddings.word_embeddings.weight[vocabulary.index(word), 0] = 1
            for layer in model.bert.encoder.layer:
                layer.attention.self.value.weight.copy_(torch.eye(4))
                layer.attention.output.dense.weight.copy_(torch.eye(4))
            model.bert.pooler.dense.weight.copy_(torch.eye(4))
            model.classifier.weight[:, 0] = 1
        model.save_pretrained(folder)
        BertTokenizer(vocab={one: place for place, one in enumerate(vocabulary)}).save_pretrained(folder)
        return folder

    return make


@pytest.fixture(scope="session")
def sentence_transformer(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Makes the folder of a SentenceTransformer of one small random BERT over eighteen words."""

    def make(prompts: dict[str, str], name: str = "tiny") -> Path:
        import torch
        from sentence_transformers import SentenceTransformer
        from sentence_transformers.base.modules import Transformer
        from sentence_transformers.sentence_transformer.modules import Pooling
        from transformers import BertConfig, BertModel, BertTokenizer

        folder = tmp_path_factory.mktemp("models")
        torch.manual_seed(5)
        source = folder / f"{name}-source"
        config = BertConfig(
            vocab_size=len(WORDS),
            hidden_size=16,
            num_hidden_layers=1,
            num_attention_heads=2,
            intermediate_size=32,
            max_position_embeddings=24,
        )
        BertModel(config).save_pretrained(source)
        BertTokenizer(vocab={word: number for number, word in enumerate(WORDS)}).save_pretrained(source)
        network = Transformer(str(source), max_seq_length=24)
        model = SentenceTransformer(
            modules=[network, Pooling(16, "mean")], prompts=prompts, device="cpu", local_files_only=True
        )
        model.save(str(folder / name), create_model_card=False)
        return folder / name

    return make
