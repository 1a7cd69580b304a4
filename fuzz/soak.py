"""Many calls of one explainer after the other: what the process grows by.

    python -m fuzz.soak --calls 1000000

Prints, for each method and for bare session calls of what it runs, a line such as::

    saliency calls=250000 growth=0.4MB bytes_a_call=1.6 microseconds_a_call=180

The growth is that of the resident memory after a tenth of the calls, by a straight line through its course.
"""

import argparse
import gc
import os
import sys
import time
import tracemalloc
import warnings

WAYS = ('saliency', 'deeplift', 'occlusion', 'explain', 'session')


def resident():
    """Bytes of this process in memory."""
    with open('/proc/self/statm') as file:
        return int(file.read().split()[1]) * os.sysconf('SC_PAGE_SIZE')


def calls_of(way, np, tf, DeepExplain):
    """A function of a counter that makes one call, with another batch, feed and ys each time."""
    draw = np.random.RandomState(0)
    session = tf.Session(graph=tf.Graph())
    with session.graph.as_default():
        X = tf.placeholder(tf.float32, [None, 4])
        keep = tf.placeholder_with_default(np.float32(1), [])
        T = tf.matmul(
            tf.nn.relu(tf.matmul(X, tf.constant(draw.randn(4, 8), tf.float32))) * keep,
            tf.constant(draw.randn(8, 2), tf.float32),
        )
    context = DeepExplain(session=session)
    context.__enter__()
    data = [draw.randn(n, 4).astype('f') for n in (1, 2, 5, 8)]
    if way == 'session':
        explainer = context.get_explainer('saliency', T, X)
        request = explainer.request(data[0])
        run, fetches = request.runner.run, explainer.engine.back.passes[0][1]
        run(fetches, [(X, data[0])])
        (compiled,) = request.runner._compiled.values()
        return lambda i: compiled(data[i % 4])
    if way == 'explain':
        return lambda i: context.explain('saliency', T, X, data[i % 4], feed_dict={keep: 0.5})
    explainer = context.get_explainer(way, T, X)
    choices = [{}, {'ys': [1, 0]}, {'feed_dict': {keep: 0.5}}, {'ys': 'each'}, {'batch_size': 2}]
    return lambda i: explainer.run(data[i % 4], **choices[i % 5])


def soaked(way, calls, traced):
    """Print a line for one way of calling."""
    import numpy as np
    import tensorflow.compat.v1 as tf

    from deepexplain.tensorflow import DeepExplain

    call = calls_of(way, np, tf, DeepExplain)
    for i in range(calls // 10):
        call(i)
    if traced:
        tracemalloc.start(8)
        before = tracemalloc.take_snapshot()
    course, start = [], time.perf_counter()
    for i in range(calls):
        if i % max(1, calls // 50) == 0:
            course.append((i, resident()))
        call(i)
    each = (time.perf_counter() - start) / calls
    gc.collect()
    course.append((calls, resident()))
    slope = np.polyfit(*zip(*course), 1)[0]
    growth = course[-1][1] - course[0][1]
    print(
        f'{way} calls={calls} growth={growth / 1e6:.2f}MB bytes_a_call={slope:.2f} '
        f'microseconds_a_call={each * 1e6:.0f}',
        flush=True,
    )
    if traced:
        after = tracemalloc.take_snapshot()
        tracemalloc.stop()
        for line in after.compare_to(before, 'traceback')[:6]:
            print(' ', line, *line.traceback.format(), sep='\n    ')
    return growth


def main():
    """Print the figures; exit 1 if the process grew by 10 MB."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--calls', type=int, default=1_000_000, help='of all methods together')
    parser.add_argument('--only', choices=WAYS)
    parser.add_argument('--traced', action='store_true', help='say which lines of Python hold what is new; slow')
    asked = parser.parse_args()
    warnings.simplefilter('ignore')
    ways = [asked.only] if asked.only else WAYS
    growth = [soaked(way, asked.calls // len(ways), asked.traced) for way in ways]
    print(f'calls={asked.calls} growth={sum(growth) / 1e6:.2f}MB')
    sys.exit(sum(growth) > 10e6)


if __name__ == '__main__':
    main()
