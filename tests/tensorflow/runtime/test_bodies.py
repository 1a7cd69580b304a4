"""Bodies of functions: those that call themselves are named, and not followed."""

import pytest
import tensorflow.compat.v1 as tf

from deepexplain.errors import GraphError
from deepexplain.tensorflow import DeepExplain
from deepexplain.tensorflow.runtime.bodies import MOST_NESTED, measure_calls

FLOAT, BOOL = tf.float32.as_datatype_enum, tf.bool.as_datatype_enum


@pytest.mark.parametrize('calls', [{'f': ['f']}, {'a': ['f'], 'f': ['g', 'h'], 'g': ['h'], 'h': ['f']}])
def test_functions_that_call_themselves(calls):
    with pytest.raises(GraphError, match="Function 'f' calls itself, at once or through others"):
        measure_calls(next(iter(calls)), calls.__getitem__, {})


def test_depths():
    depths = {}
    measure_calls('a', {'a': ['b', 'c', 'b'], 'b': ['c'], 'c': []}.__getitem__, depths)
    assert list(depths.items()) == [('c', 1), ('b', 2), ('a', 3)]  # the innermost first
    deep = {i: [i + 1] if i < MOST_NESTED + 1 else [] for i in range(1, MOST_NESTED + 2)}
    measure_calls(2, deep.__getitem__, {})
    with pytest.raises(GraphError, match="Function '1' calls others, which call others, more than 64 deep"):
        measure_calls(1, deep.__getitem__, {})


def halved_until_small():
    """A GraphDef in which 'again', a function, calls itself in a branch."""
    graph_def = tf.GraphDef()
    x = graph_def.node.add(name='x', op='Placeholder')
    x.attr['dtype'].type = FLOAT
    x.attr['shape'].shape.dim.add(size=-1)
    x.attr['shape'].shape.dim.add(size=3)
    for name in ('again', 'last'):
        function = graph_def.library.function.add()
        function.signature.name = name
        function.signature.input_arg.add(name='a', type=FLOAT)
        function.signature.output_arg.add(name='b', type=FLOAT)
        if name == 'again':
            never = function.node_def.add(name='never', op='Const')
            never.attr['dtype'].type = BOOL
            never.attr['value'].tensor.CopyFrom(tf.make_tensor_proto(False))
            branch = function.node_def.add(name='branch', op='StatelessIf', input=['never:output:0', 'a'])
            branch.attr['Tcond'].type = BOOL
            branch.attr['Tin'].list.type.append(FLOAT)
            branch.attr['Tout'].list.type.append(FLOAT)
            branch.attr['then_branch'].func.name = 'again'
            branch.attr['else_branch'].func.name = 'last'
        relu = function.node_def.add(name='relu', op='Relu', input=['branch:output:0' if name == 'again' else 'a'])
        relu.attr['T'].type = FLOAT
        function.ret['b'] = 'relu:activations:0'
    y = graph_def.node.add(name='y', op='PartitionedCall', input=['x'])
    y.attr['Tin'].list.type.append(FLOAT)
    y.attr['Tout'].list.type.append(FLOAT)
    y.attr['f'].func.name = 'again'
    return graph_def


@pytest.mark.parametrize('method', ['saliency', 'intgrad', 'elrp', 'deeplift'])
def test_a_graph_with_a_function_that_calls_itself(session, method):
    tf.import_graph_def(halved_until_small(), name='')
    Y = session.graph.get_tensor_by_name('y:0')
    Y.set_shape([None, 3])
    with DeepExplain(session=session) as de, pytest.raises(GraphError, match="Function 'again' calls itself"):
        de.explain(method, Y, 'x:0', [[1, 2, 3]])
