"""A program of its own, which no module imports: what an exported SavedModel says, in a process without this library.

Its arguments: a file of JSON with ``path`` (the module search path), ``model`` (a SavedModel), ``calls`` (a list of
signature, names of arrays by input, or of a list of them for tf.Examples), and the npz files of arrays and of results.
"""

import json
import sys
from typing import Any, List, Sequence


def _examples(tf: Any, names: Sequence[str], arrays: Sequence[Any]) -> List[bytes]:
    """Serialized tf.Examples."""
    found = []
    for rows in zip(*arrays):
        features = {}
        for name, row in zip(names, rows):
            if row.dtype.kind in 'iu':
                features[name] = tf.train.Feature(int64_list=tf.train.Int64List(value=row.ravel().tolist()))
            else:
                values = row.astype('float32').ravel().tolist()
                features[name] = tf.train.Feature(float_list=tf.train.FloatList(value=values))
        found.append(tf.train.Example(features=tf.train.Features(feature=features)).SerializeToString())
    return found


def main(job_file: str) -> None:
    """Run the calls of a job, and write down what they give."""
    with open(job_file) as file:
        job = json.load(file)
    sys.path[:] = job['path']
    sys.modules['deepexplain'] = None  # type: ignore[assignment] # so that an import fails, as where it is not installed
    import numpy as np
    import tensorflow.compat.v1 as tf

    results = {}
    given = np.load(job['arrays'])
    with tf.Session(graph=tf.Graph()) as session:
        loaded = tf.saved_model.load(session, [tf.saved_model.tag_constants.SERVING], job['model'])
        for i, (name, inputs) in enumerate(job['calls']):
            signature = loaded.signature_def[name]
            arrays = {key: given[where] for key, where in inputs.items()}
            for key in arrays:
                if arrays[key].dtype.kind == 'V':  # of a bfloat16, NumPy keeps nothing but its size
                    arrays[key] = arrays[key].view(tf.bfloat16.as_numpy_dtype)
            if name == 'tf_examples':
                arrays = {'examples': _examples(tf, list(arrays), list(arrays.values()))}
            feed = {signature.inputs[key].name: value for key, value in arrays.items()}
            found = session.run({key: info.name for key, info in signature.outputs.items()}, feed)
            for key, value in found.items():
                results[f'{i} {key}'] = np.asarray(value, 'float64')
    np.savez(job['results'], **results)  # type: ignore[arg-type]


if __name__ == '__main__':
    main(sys.argv[1])
