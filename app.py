"""Serve the chat: ``python app.py`` does what ``vraagbaak serve`` does."""

import sys
from pathlib import Path

if __name__ == "__main__":
    # it also runs where the requirements alone are installed
    sys.path.insert(0, str(Path(__file__).parent / "src"))
    from retrieval.cli import main

    sys.exit(main(["serve", *sys.argv[1:]]))
