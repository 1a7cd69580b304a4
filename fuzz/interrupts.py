"""Interrupts at random moments, while explainers are built and while they run.

    python -m fuzz.interrupts --builds 1000 --runs 1000

Each is a Ctrl-C, one from another thread (``_thread.interrupt_main``), or an alarm whose handler raises. After each the
graph is read, and asked for an explainer, whose attributions are known; and weights are compared. Prints one line::

    interrupts=2000 spoilt_graphs=0 changed_weights=0 wrong_results=0 lost_signals=0 aborts=0 slowest_answer=0.21s
"""

import _thread
import argparse
import os
import random
import signal
import subprocess
import sys
import threading
import time
import warnings

COUNTS = ('interrupts', 'spoilt_graphs', 'changed_weights', 'wrong_results', 'lost_signals')
ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


class AlarmError(Exception):
    """What the handler of SIGALRM raises, as timeouts do."""


def _alarm(number, frame):
    raise AlarmError


class Interrupter:
    """Interrupts the main thread, and says how long that took to answer."""

    def __init__(self, seed):
        self.random, self.slowest = random.Random(seed), 0.0

    def during(self, longest, work):
        """Call ``work()`` again and again until it is interrupted: whether that came, as what was sent."""
        sent, ignored = [], []
        sys.unraisablehook = lambda _: ignored.append(True)  # Python drops what is raised in a __del__
        kind = self.random.choice(['kill', 'kill', 'interrupt_main', 'alarm'])
        wait = self.random.uniform(0, longest)

        def send():
            time.sleep(wait)
            sent.append(time.perf_counter())
            if kind == 'interrupt_main':
                _thread.interrupt_main()
            else:
                os.kill(os.getpid(), signal.SIGALRM if kind == 'alarm' else signal.SIGINT)

        thread = threading.Thread(target=send)
        caught = None
        try:
            thread.start()
            while not ignored and (not sent or time.perf_counter() - sent[0] < 10):
                work()
        except (KeyboardInterrupt, AlarmError) as error:
            self.slowest = max(self.slowest, time.perf_counter() - sent[0])
            caught = error
        except Exception as error:
            print('in place of the interrupt:', repr(error)[:300], file=sys.stderr)
        thread.join()
        return bool(ignored) or isinstance(caught, AlarmError if kind == 'alarm' else KeyboardInterrupt)


class Model:
    """A small network with variables, in a graph and a session of its own, and what its attributions are."""

    def __init__(self, seed, layers):
        import numpy as np
        import tensorflow.compat.v1 as tf

        from deepexplain.tensorflow import DeepExplain

        draw = np.random.RandomState(seed)
        self.graph = tf.Graph()
        with self.graph.as_default():
            self.X = h = tf.placeholder(tf.float32, [None, 8])
            for i in range(layers):
                kernel = tf.get_variable(f'w{i}', initializer=draw.randn(8, 8).astype('f') / 3, use_resource=True)
                h = tf.where(h > 1e3, h, tf.nn.softplus(tf.matmul(h, kernel)))
            self.T = tf.matmul(h, tf.constant(draw.randn(8, 3), tf.float32))
            self.variables = tf.global_variables()
            self.session = tf.Session(graph=self.graph)
            self.session.run(tf.global_variables_initializer())
        self.xs = draw.randn(5, 8)
        self.context = DeepExplain(session=self.session)
        self.context.__enter__()
        self.before = self.session.run(self.variables)
        self.explainers = None
        self.expected = {'grad*input': self.build('grad*input').run(self.xs)}

    def build(self, name):
        """An explainer of this method."""
        return self.context.get_explainer(name, self.T, self.X, **METHODS[name])

    def check(self, counts, explainers=None):
        """Whether the graph is as it was, and gives the same."""
        import numpy as np

        after = self.session.run(self.variables)
        counts['changed_weights'] += any(not np.array_equal(a, b) for a, b in zip(self.before, after))
        try:
            for op in self.graph.get_operations():
                for z in op.outputs:
                    z.consumers()
            some = explainers or {'grad*input': self.build('grad*input')}
            found = {name: explainer.run(self.xs) for name, explainer in some.items()}
        except Exception as error:
            print('spoilt:', repr(error)[:300], file=sys.stderr)
            counts['spoilt_graphs'] += 1
            return False
        known = [self.expected.setdefault(name, value) for name, value in found.items()]
        counts['wrong_results'] += any(not np.allclose(a, b, atol=1e-5) for a, b in zip(known, found.values()))
        return True

    def close(self):
        """Leave the context, and close the session."""
        self.context.__exit__(None, None, None)
        self.session.close()


METHODS = {
    'grad*input': {},
    'deeplift': {'rules': 'complete'},
    'intgrad': {'steps': 4},
    'elrp': {},
    'occlusion': {},
}


def interrupted(builds, runs, seed):
    """The counts of so many interrupts in builds, and in runs."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGALRM, _alarm)
    handlers = {number: signal.getsignal(number) for number in range(1, signal.NSIG)}
    warnings.simplefilter('ignore')
    by, counts, model = Interrupter(seed), dict.fromkeys(COUNTS, 0), None
    for i in range(builds + runs):
        counts['interrupts'] += 1
        names = list(METHODS)
        if model is None or i % 20 == 0:
            model = model and model.close()
            model = Model(i, 30 if i < builds and i % 200 == 100 else 2)
        if i < builds:
            name = by.random.choice(names)
            once = by.during(0.1, lambda: model.build(name))  # noqa: B023 - called here
            fine = model.check(counts)
        else:
            if model.explainers is None or i % 10 == 0:  # some were never asked anything before
                model.explainers = {name: model.build(name) for name in names}
            ys = by.random.choice(['each', None])
            some = model.explainers[by.random.choice(names)]
            once = by.during(0.03, lambda: some.run(model.xs, ys, by.random.choice([None, 2])))  # noqa: B023
            fine = model.check(counts, model.explainers)
        now = {number: signal.getsignal(number) for number in range(1, signal.NSIG)}
        counts['lost_signals'] += not once or now != handlers
        model = model if fine else None
    return counts, by.slowest


def main():
    """Print the figures; exit 1 if any is not as promised."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--builds', type=int, default=1000)
    parser.add_argument('--runs', type=int, default=1000)
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--here', action='store_true', help='in this process')
    asked = parser.parse_args()
    if asked.here:
        counts, slowest = interrupted(asked.builds, asked.runs, asked.seed)
        print(*counts.values(), slowest, flush=True)
        os._exit(0)  # threads of TensorFlow may still be at work
    total, slowest, aborts = dict.fromkeys(COUNTS, 0), 0.0, 0
    for builds, runs in ((asked.builds, 0), (0, asked.runs)):
        if builds + runs:
            numbers = f'--builds={builds}', f'--runs={runs}', f'--seed={asked.seed}'
            command = [sys.executable, '-W', 'ignore', '-m', 'fuzz.interrupts', '--here', *numbers]
            found = subprocess.run(command, stdout=subprocess.PIPE, cwd=ROOT, text=True)
            values = found.stdout.split()[-len(COUNTS) - 1 :]
            if found.returncode or len(values) <= len(COUNTS):
                aborts += 1
                continue
            total = {name: total[name] + int(value) for name, value in zip(COUNTS, values)}
            slowest = max(slowest, float(values[-1]))
    print(*(f'{name}={value}' for name, value in total.items()), f'aborts={aborts} slowest_answer={slowest:.2f}s')
    sys.exit(bool(aborts or any(total[name] for name in COUNTS[1:]) or slowest > 2))


if __name__ == '__main__':
    main()
