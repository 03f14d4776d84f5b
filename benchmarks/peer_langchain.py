"""What most people would write: LangChain, Chroma and HuggingFaceEmbeddings, same model and chunks.

Runs in an environment of its own: see cold_start.py.

    python peer_langchain.py build STORE MODEL_FOLDER CHUNKS.json
    python peer_langchain.py ask STORE MODEL_FOLDER QUESTION
"""

import json
import sys
from pathlib import Path

from langchain_chroma import Chroma
from langchain_huggingface import HuggingFaceEmbeddings

verb, folder, model, argument = sys.argv[1:]
store = Chroma("chunks", HuggingFaceEmbeddings(model_name=model), persist_directory=folder)
if verb == "build":
    texts = json.loads(Path(argument).read_text(encoding="utf-8"))
    for begin in range(0, len(texts), 500):
        store.add_texts(texts[begin : begin + 500])
else:
    for document in store.similarity_search(argument, k=4):
        print(document.page_content)
