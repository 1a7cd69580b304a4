"""Random graphs of 5 to 25 steps: each method against a plain loop over session.run, in double precision.

A promise that the library says it cannot keep there, by a DeepExplainWarning or an error, is not broken.
"""

import random
import warnings

import numpy as np
import tensorflow.compat.v1 as tf

from deepexplain.errors import DeepExplainError, DeepExplainWarning
from deepexplain.tensorflow import DeepExplain

from .calls import _place, _said
from .steps import EVERY, WIDTH, network, samples
from .workers import Fault, TooSlow, within

COUNT, SECONDS, MEMORY, OF_A_PROCESS = 400, 120.0, 4 << 30, 100
#: Points on the path of intgrad, in the library and in the loop.
STEPS = 9
#: How far a number may be off, in shares of the largest that it is made of.
CLOSE = 1e-7
#: Steps that compute in single precision, where differences drown in rounding; and how far they may be off.
SINGLE, CLOSE_SINGLE = ['response_norm', 'fused_batch_norm'], 1e-4
#: Steps whose gradient in TensorFlow is not that of the function.
NOT_DIFFERENTIATED = ['stop_gradient', 'Zeta']
#: Steps with jumps: a last bit decides on which side a value lies, and rows of a batch may differ in it.
JUMPS = [
    'Ceil',
    'Floor',
    'FloorDiv',
    'FloorMod',
    'Mod',
    'NextAfter',
    'Rint',
    'Round',
    'Sign',
    'TruncateDiv',
    'TruncateMod',
]
_LAYERS = [name for name in EVERY if name[0].islower()]
_FUNCTIONS = [name for name in EVERY if name not in _LAYERS and name not in JUMPS]


class Cases:
    """The graphs of a seed."""

    def __init__(self, seed):
        self._seed = seed

    def close(self):
        """Nothing is kept."""

    def text(self, number):
        """A graph: each step by its name, with the number of the value that is its second input."""
        choose = random.Random(f'{self._seed}/{number}')
        steps = [
            (choose.choice(_LAYERS if choose.random() < 0.5 else _FUNCTIONS), choose.randrange(10))
            for _ in range(choose.randint(5, 25))
        ]
        return repr((choose.randrange(2**32), steps))

    def check(self, text):
        """Counts and faults of a graph."""
        seed, steps = eval(text)
        checks = Checks(text)
        try:
            with within(SECONDS):
                _against_loops(checks, seed, steps)
        except TooSlow as error:
            checks.faults.append(Fault('too slow', _place(error), str(error), text))
        except Exception as error:
            where = f'{type(error).__name__} {_place(error)}'
            checks.faults.append(Fault('bare exception', where, _said(error), text))
        return checks.counts, checks.faults

    def show(self, text):
        """Check a graph, with the traceback."""
        seed, steps = eval(text)
        checks = Checks(text)
        _against_loops(checks, seed, steps)
        print(checks.counts, *checks.faults, sep='\n')


class Checks:
    """Promises about one graph."""

    def __init__(self, text):
        self._text, self.faults = text, []
        self.counts = dict.fromkeys(['promises', 'said not to hold', 'refused'], 0)

    def asked(self, call):
        """What a call returns, and whether a warning came with it; None where it is refused."""
        with warnings.catch_warnings(record=True) as said, np.errstate(all='ignore'):
            warnings.simplefilter('ignore')
            warnings.simplefilter('always', DeepExplainWarning)
            try:
                return call(), bool(said)
            except DeepExplainError:
                self.counts['refused'] += 1
                return None, True

    def equal(self, what, found, expected, scale, close):
        """Compare what a call returned, and whether it warned, with what was promised."""
        found, said = found
        if found is None:
            return
        self.counts['promises'] += 1
        gap = np.max(np.abs(np.asarray(found, float) - expected)) / max(scale, 1e-12)
        if gap <= close:
            return
        if said:
            self.counts['said not to hold'] += 1
        else:
            what = f'{what}: off by {gap:.2g} of {scale:.3g}'
            self.faults.append(Fault('broken promise', what.split(':')[0], what, self._text))


def _against_loops(checks, seed, steps):
    xs, baseline = samples(seed)
    config, graph = tf.ConfigProto(), tf.Graph()
    # A graph is optimized for each tensor that is fetched, which takes longer than all else here. And TensorFlow 2.21
    # puts what looks like a layer normalization together to one op, which fails or forgets epsilon.
    config.graph_options.rewrite_options.disable_meta_optimizer = True
    with graph.as_default(), tf.Session(graph=graph, config=config) as session, DeepExplain(session=session) as de:
        X = tf.placeholder(tf.float64, [None, WIDTH])
        T = network(steps, seed, table=EVERY)(X)
        ys = np.random.RandomState(seed).randn(2)
        weighted = tf.reduce_sum(T * ys, 1)
        try:
            (gradient,) = tf.gradients(weighted, X)
        except LookupError:  # TensorFlow has none for an op
            gradient = None

        def at(rows, tensor=weighted):
            """A tensor at rows, one by one."""
            return np.concatenate([session.run(tensor, {X: row[None]}) for row in rows])

        t, t0 = at(xs), at(baseline[None])[0]
        if not (np.isfinite(t).all() and np.isfinite(t0)):
            checks.counts['not finite'] = 1
            return
        loops = _Loops(at, gradient, xs, baseline, max(np.abs(t).max(), np.abs(t0)))
        names = {name for name, _ in steps}
        loops.has_gradient = gradient is not None
        loops.is_smooth = loops.has_gradient and not names & {*SINGLE, *NOT_DIFFERENTIATED}
        loops.close = CLOSE_SINGLE if names & set(SINGLE) else CLOSE
        _methods(checks, loops, de, T, X, xs, ys, baseline, t - t0)


class _Loops:
    """What attributions are, from one run of the session after the other."""

    has_gradient = is_smooth = True
    close = CLOSE

    def __init__(self, at, gradient, xs, baseline, size):
        self._at, self._gradient, self.xs, self.baseline, self.size = at, gradient, xs, baseline, size

    def occlusion(self):
        result = np.empty_like(self.xs)
        for i, x in enumerate(self.xs):
            for j in range(WIDTH):
                without = x.copy()
                without[j] = self.baseline[j]
                result[i, j] = self._at([x])[0] - self._at([without])[0]
        return result

    def intgrad(self):
        total = np.zeros_like(self.xs)
        for i, x in enumerate(self.xs):
            for k in range(1, STEPS + 1):
                point = self.baseline + (x - self.baseline) * k / STEPS
                total[i] += self._at([point], self._gradient)[0] / STEPS
        return total * (self.xs - self.baseline)

    def differences(self):
        """Gradient * input by finite differences; nan where they depend on the distance."""
        found = []
        for distance in (1e-5, 1e-6):
            result = np.empty_like(self.xs)
            for i, x in enumerate(self.xs):
                for j in range(WIDTH):
                    step = np.eye(WIDTH)[j] * distance
                    up, down = self._at([x + step, x - step])
                    result[i, j] = (up - down) / (2 * distance) * x[j]
            found.append(result)
        scale = np.abs(found[0]).max() + 1e-9
        return np.where(np.abs(found[0] - found[1]) < 1e-5 * scale, found[1], np.nan)


def _methods(checks, loops, de, T, X, xs, ys, baseline, change):
    def by(method, **arguments):
        return checks.asked(lambda: de.get_explainer(method, T, X, **arguments))

    for method, arguments in [
        ('grad*input', {}),
        ('saliency', {}),
        ('intgrad', {'steps': STEPS, 'baseline': baseline}),
        ('elrp', {'epsilon': 0.01}),
        ('deeplift', {'baseline': baseline}),
        ('deeplift', {'baseline': baseline, 'rules': 'complete'}),
        ('occlusion', {'baseline': baseline}),
        ('shapley_sampling', {'baseline': baseline, 'samples': 2, 'seed': 0}),
    ]:
        explainer, said = by(method, **arguments)
        if explainer is None:
            continue

        def run(rows=xs, explainer=explainer, said=said, **more):
            found, said_now = checks.asked(lambda: explainer.run(rows, more.pop('ys', ys), **more))
            return found, said or said_now

        name = f'{method} {arguments.get("rules", "")}'.strip()
        whole = run()
        if whole[0] is None:
            continue
        size, close = max(loops.size, np.abs(whole[0]).max()), loops.close
        if method == 'occlusion':
            checks.equal('occlusion, one by one', whole, loops.occlusion(), size, close)
        if method == 'intgrad' and loops.has_gradient:
            checks.equal('intgrad, a loop of gradients', whole, loops.intgrad(), size, close)
        if method == 'shapley_sampling':
            checks.equal('shapley_sampling, its sum', (whole[0].sum(axis=1), whole[1]), change, size, close)
        if arguments.get('rules') == 'complete':
            checks.equal("rules='complete', its sum", (whole[0].sum(axis=1), whole[1]), change, size, close)
        if method == 'grad*input' and loops.is_smooth:
            expected = loops.differences()
            found = np.where(np.isnan(expected), 0, whole[0])
            checks.equal('grad*input, finite differences', (found, whole[1]), np.nan_to_num(expected), size, 1e-4)
        parts = [run(row[None]) for row in xs]
        if all(found is not None for found, _ in parts):
            alone = np.concatenate([found for found, _ in parts])
            checks.equal(
                f'{name}, a batch and its rows', (whole[0], whole[1] or any(w for _, w in parts)), alone, size, close
            )
        checks.equal(f'{name}, batch_size=2', run(batch_size=2), whole[0], size, close)
        each, said = run(ys='each')
        if each is not None and method != 'saliency':  # of which the sizes do not add up
            checks.equal(f"{name}, ys='each'", (np.tensordot(ys, each, 1), said), whole[0], size, close)


def line(report):
    """The figures."""
    counts = report.counts
    return (
        f'{counts["cases"]:,} graphs: {counts["promises"]:,} promises compared, {counts["said not to hold"]} said not '
        f'to hold, {counts["refused"]} refused, {counts["not finite"]} graphs not finite; '
        f'{report.of_kind("broken promise")} broken promises, {report.of_kind("bare exception")} bare exceptions, '
        f'{report.of_kind("too slow")} too slow, {report.of_kind("crash", "memory")} crashes'
    )
