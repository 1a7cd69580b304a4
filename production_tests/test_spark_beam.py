"""The recipes of the documentation for Spark and Beam, run as they stand there."""

import os
import re
import shutil
import subprocess
import sys

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from processes import ROOT

from deepexplain.distributed import Worker
from deepexplain.tensorflow import Recipe

pa = pytest.importorskip('pyarrow')
pq = pytest.importorskip('pyarrow.parquet')

pytestmark = pytest.mark.filterwarnings('ignore')  # what these engines warn of

XS = np.random.RandomState(0).normal(size=(1500, 3)).astype(np.float32)


def blocks():
    with open(os.path.join(ROOT, 'docs', 'beyond-one-process.md'), encoding='utf-8') as file:
        section = file.read().split('## Spark and Beam')[1].split('\n## ')[0]
    return re.findall(r'```py\n(.*?)```', section, re.DOTALL)


@pytest.fixture
def names(tmp_path, monkeypatch):
    """What the recipes call by name, in a folder of rows."""
    with tf.Graph().as_default() as graph:
        x = tf.placeholder(tf.float32, [None, 3], name='x')
        hidden = tf.nn.relu(tf.matmul(x, [[2.0, 0.0], [1.0, -1.0], [0.0, 1.0]]))
        tf.identity(tf.matmul(hidden, [[1.0, -1.0], [-1.0, 2.0]]), name='T')
    (tmp_path / 'model.pb').write_bytes(graph.as_graph_def().SerializeToString())
    (tmp_path / 'rows').mkdir()
    for k, part in enumerate(np.array_split(np.arange(len(XS)), 3)):
        table = {'name': [str(i) for i in part], 'features': pa.array(XS[part].tolist(), pa.list_(pa.float32()))}
        pq.write_table(pa.table(table), str(tmp_path / 'rows' / f'{k}.parquet'))
    monkeypatch.chdir(tmp_path)
    recipe = Recipe('model.pb', 'deeplift', T='T', X='x')
    return {'Worker': Worker, 'recipe': recipe, 'pa': pa, 'worker': Worker(recipe, {'xs': 'features', 'id': 'name'})}


def check(pattern, recipe, tmp_path):
    table = pa.concat_tables(pq.read_table(str(path)) for path in tmp_path.glob(pattern))
    rows = {row['name']: row['attributions'] for row in table.to_pylist()}
    assert len(table) == len(rows) == len(XS)
    assert table['error'].null_count == len(XS)
    with recipe.open() as explainer:
        wanted = explainer.run(XS)
    np.testing.assert_allclose([rows[str(i)] for i in range(len(XS))], wanted, rtol=1e-6, atol=1e-6)


def has_java():
    return shutil.which('java') and not subprocess.run(['java', '-version'], stderr=subprocess.DEVNULL).returncode


@pytest.mark.skipif(not has_java(), reason='needs Java')
def test_spark(names, tmp_path, monkeypatch):
    sql = pytest.importorskip('pyspark.sql')
    monkeypatch.setenv('PYSPARK_PYTHON', sys.executable)
    spark = sql.SparkSession.builder.master('local[2]').config('spark.ui.enabled', 'false').getOrCreate()
    try:
        exec(blocks()[0], {**names, 'spark': spark})
    finally:
        spark.stop()
    check('attributions_spark/*.parquet', names['recipe'], tmp_path)


def test_beam(names, tmp_path):
    beam = pytest.importorskip('apache_beam')
    exec(blocks()[1], {**names, 'beam': beam, '__name__': __name__})
    check('attributions_beam*', names['recipe'], tmp_path)
