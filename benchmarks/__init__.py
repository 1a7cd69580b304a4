"""How fast the methods are, next to what the same evaluations cost without them.

`make bench` prints the tables; `make bench PEERS=1` adds Captum and PAIR saliency on the same weights and inputs, and
`BENCH='--fastism PYTHON'` fastISM, of an environment with `fastism==0.5.1 'tensorflow-cpu==2.10.*' 'numpy<2' 'pydot<2'`
(Python 3.10).
Options go in BENCH: `make bench BENCH='--only occlusion --repeats 3'`. See `python -m benchmarks --help`.

Every row is one method on one network: weights and inputs are seeded, the outputs explained are those of the largest
logit of each sample, and no batch size is given.

ours
    The median time of `explainer.run(xs, ys)`.
limit
    The median time of as many rows through a bare `session.run`, in arrays that are already built, at the fastest batch
    size among 1, 2, 4 .. 512: of T for occlusion (windows + 1 rows a sample) and shapley_sampling (features * samples
    + 1), of `tf.gradients(T, X)` for intgrad (steps) and, in one batch, for the other methods (1). Rows that a method
    need not evaluate, because nothing changes in them, still count here.
plain loop
    One `session.run` for each evaluation, over all samples at once, as DeepExplain 0.3 ran.
memory
    By how much the peak of resident memory (Linux only) grew in a run, in a process of its own. Only where the rows of
    a run would not fit in memory together.

Ours and the limit take turns in one process, after one run of each to warm up, as often as --repeats says: less often
where this takes longer than 20 seconds, more often where a run takes less than milliseconds. What alone takes longer
than 20 seconds is timed once, without a warm-up. Where many rows are alike, the limit and the plain loop are measured
over a part of them, for at least a second, and scaled.

The second table has what does not fit the first: `ys='each'` next to one run for each output; `get_explainer` next to
`tf.gradients` (without the first run after it, in which the session takes in the new ops); and the fixed cost of a run.

The modules: `cells.py` is what is measured, `networks.py` on what, `timing.py` how, `measure.py` brings the three
together, `extras.py` measures what does not fit the table, `peers*.py` the other libraries.
"""
