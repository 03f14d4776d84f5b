"""The least that a local vector search costs: import, open, one vector, one query; no kbsupport.

python benchmarks/peer_bare.py CHROMA_FOLDER MODEL.onnx
"""

import sys

import chromadb
import numpy as np
import onnxruntime
import sqlmodel  # noqa: F401 - paid by everybody who keeps rows with it

TOKENS = [101, 2129, 2079, 1045, 25141, 2026, 20786, 1029, 102]

chroma, model = sys.argv[1:]
client = chromadb.PersistentClient(path=chroma)
collection = client.get_collection("chunks-public", embedding_function=None)
options = onnxruntime.SessionOptions()
# As kbsupport opens it: the file was written optimised, and one text needs no second thread.
options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
options.intra_op_num_threads = options.inter_op_num_threads = 1
options.enable_cpu_mem_arena = False
session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
vector = session.run(None, {"ids": np.array([TOKENS], np.int64)})[0][0]
found = collection.query(query_embeddings=[vector], n_results=10)
print(found["ids"][0][0])
