"""What nobody would write in a test: odd calls, random graphs, damaged files. `python -m fuzz --help`, or `make fuzz`.

A *case* is a number; with the seed it says all: the text of a call, of a graph, of a damage. Cases are checked in
worker processes under watch (`workers.py`), so that one that crashes, hangs or eats memory is one fault among others.
Each kind prints its figures in one line, and ends with exit code 1 where there is a fault.

`calls.py`
    A call of a public entry (`entries.py`) of small networks (`scene.py`), one or two of whose arguments are odd
    (`odd.py`). Right is a result, or a DeepExplainError with a message; and what is no number, flag or word of the
    right kind must not be accepted as one.
`graphs.py`
    A random graph (`steps.py`) of 5 to 25 steps: each method against a plain loop over `session.run`.
`files.py`
    A model file with damage, opened: right is a model or a DeepExplainError, within bounds of time and memory.

The text of a fault is Python, and reproduces it: `python -m fuzz calls --case "de.explain(...)"`.
"""
