"""What was exported, loaded by a fresh process that has TensorFlow alone, next to what the explainer itself says."""

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any, Dict, List, Sequence

import numpy as np

from ...errors import DeepExplainError
from ...types import Array
from .refusals import SIGNATURES

if TYPE_CHECKING:
    from .made_up import MadeUp
    from .signatures import Form

#: How many samples a call has.
COUNTS = (1, 2, 33)
#: What results may differ, of the largest of them; of two bytes a number, whose last bit says more.
MOST, MOST_OF_HALF = 1e-5, 2e-2
#: Results that are computed of attributions, and rounded as these are.
OF_ATTRIBUTIONS = ('delta', 'standard_error')
#: What attributions that are differences of T may differ, of the largest T: it was rounded before they were taken.
MOST_OF_T = 1e-6


def expected(explainer: Any, made_up: 'MadeUp', signatures: Sequence[str], feed_dict: Any, form: 'Form') -> List[Any]:
    """Calls, as (signature, samples, weights, results by key)."""
    calls = []
    for count in COUNTS:
        arrays, xs = made_up.samples(count), made_up.xs(count)
        outputs = values_of(explainer, xs, feed_dict)
        flat = outputs.astype(np.float64).reshape(count, -1)
        largest = np.eye(flat.shape[1])[flat.argmax(axis=1)].reshape(outputs.shape)
        weights = np.random.RandomState(count).uniform(-1, 1, outputs.shape)
        found: Dict[bool, Any] = {}  # whether there are ys -> what run says
        # All signatures are ways into one graph: the first of them shows what many samples make of it.
        for name in signatures[:1] if count == max(COUNTS) else signatures:
            is_given = name == 'xs_ys'
            ys = (weights if is_given else largest).astype(outputs.dtype)
            if is_given not in found:
                found[is_given] = explainer.run(xs, ys, feed_dict=feed_dict, return_convergence_delta=form.has_delta)
            calls.append((SIGNATURES[name], arrays, ys, by_key(found[is_given], form, outputs)))
    return calls


def values_of(explainer: Any, xs: Any, feed_dict: Any) -> Array:
    """T of these samples."""
    request, problem = explainer.request(xs, feed_dict=feed_dict), explainer.problem
    parts = request.parts(problem.fixed_rows or request.n)
    return np.concatenate([request.run([problem.target], part)[0] for part in parts])


def by_key(found: Any, form: 'Form', outputs: Array) -> Dict[str, Array]:
    """Results of ``run`` by the keys of signatures."""
    found = list(found) if isinstance(found, tuple) else [found]
    attributions = found[0] if isinstance(found[0], list) else [found[0]]
    several = len(form.explained) > 1
    keys = [f'attributions_{name}' for name in form.explained] if several else ['attributions']
    results = dict(zip(keys, attributions))
    if form.has_error:
        results['standard_error'] = found[1]
    if form.has_delta:
        results['delta'] = found[-1]
    return {**results, 'outputs': outputs}


def check(
    folder: str, workspace: str, calls: Sequence[Any], form: 'Form', is_half: bool, of_differences: bool = False
) -> None:
    """Raise unless a fresh process finds the same in the SavedModel of this folder.

    ``of_differences``: attributions are made of what T loses, and may be far smaller than T.
    """
    found = _in_fresh_process(folder, workspace, calls, form)
    for i, (name, arrays, _, results) in enumerate(calls):
        found_here = [np.asarray(v, np.float64) for k, v in results.items() if k.startswith('attributions')]
        sizes = [np.abs(value).max() for value in found_here]
        for key, value in results.items():
            exported = found[f'{i} {key}']
            value = np.asarray(value, np.float64)
            scale = max([np.abs(value[np.isfinite(value)]).max(initial=0), *(sizes if key in OF_ATTRIBUTIONS else [])])
            largest = np.abs(np.asarray(results['outputs'], np.float64)).max()
            if key == 'delta':
                scale = max(scale, largest)
            most = (MOST_OF_HALF if is_half else MOST) * scale
            if of_differences and key != 'outputs':
                most = max(most, MOST_OF_T * largest)
            same = exported.shape == value.shape and np.allclose(exported, value, rtol=0, atol=most, equal_nan=True)
            if not same:
                off = np.nanmax(np.abs(exported - value)) if exported.shape == value.shape else 'another shape'
                raise DeepExplainError(
                    f"The exported '{name}' gives other {key} for {len(arrays[0])} made-up samples than run: off by "
                    f'{off}, of {scale:.3g} at most. Nothing was written; please report this, with the model.'
                )


def _in_fresh_process(folder: str, workspace: str, calls: Sequence[Any], form: 'Form') -> Dict[str, Array]:
    arrays: Dict[str, Array] = {}
    named = []
    for i, (name, samples, ys, _) in enumerate(calls):
        inputs = {key: f'{i} {key}' for key in form.names}
        arrays.update((inputs[key], value) for key, value in zip(form.names, samples))
        if name == SIGNATURES['xs_ys']:
            inputs['ys'] = f'{i} ys'
            arrays[inputs['ys']] = ys
        named.append((name, inputs))
    files = {what: os.path.join(workspace, what + '.npz') for what in ('arrays', 'results')}
    np.savez(files['arrays'], **arrays)  # type: ignore[arg-type]
    job = os.path.join(workspace, 'job.json')
    with open(job, 'w') as file:
        json.dump({'path': sys.path, 'model': folder, 'calls': named, **files}, file)
    program = os.path.join(os.path.dirname(__file__), '..', 'compat', 'fresh.py')
    with open(program) as file:
        code = file.read()
    environment = {**os.environ, 'TF_CPP_MIN_LOG_LEVEL': '3', 'CUDA_VISIBLE_DEVICES': '-1'}
    done = subprocess.run(
        [sys.executable, '-W', 'ignore', '-c', code, job],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    if done.returncode:
        tail = done.stdout.decode(errors='replace').strip().splitlines()[-3:]
        raise DeepExplainError(
            f'A fresh process could not run what was exported (it ended with {done.returncode}): {" ".join(tail)}'
        )
    with np.load(files['results']) as results:
        return dict(results)
