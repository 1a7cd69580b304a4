"""`python -m fuzz calls --count 50000`: check cases, print the figures in one line and each fault once."""

import argparse
import importlib
import os
import runpy
import sys

os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')  # before TensorFlow is imported: no log lines between ours
os.environ.setdefault('MPLBACKEND', 'Agg')

from .workers import here, run

#: The kinds of cases. Other modules of this package are programs of their own, with options of their own.
KINDS = ['calls', 'graphs', 'files']


def arguments(argv):
    """The options."""
    parser = argparse.ArgumentParser(prog='python -m fuzz', description='Odd calls, random graphs, damaged files.')
    parser.add_argument('kind', choices=KINDS)
    parser.add_argument('--count', type=int, help='cases (default: the full count of the kind)')
    parser.add_argument('--seed', type=int, default=0, help='of the cases (default 0)')
    parser.add_argument('--first', type=int, default=0, help='number of the first case (default 0)')
    parser.add_argument('--processes', type=int, default=os.cpu_count(), help='that check cases (default: the CPUs)')
    parser.add_argument('--seconds', type=float, default=float('inf'), help='begin no more cases after this time')
    parser.add_argument('--here', action='store_true', help='in this process: for a debugger')
    parser.add_argument('--case', metavar='TEXT', help='check this one case, as a fault printed it; with its traceback')
    return parser.parse_args(argv)


def main(argv):
    """The exit code: 1 where there is a fault."""
    if argv and argv[0].isidentifier() and argv[0] not in KINDS:
        sys.argv = [argv[0], *argv[1:]]
        runpy.run_module(f'{__package__}.{argv[0]}', run_name='__main__')
        return 0
    options = arguments(argv)
    module = importlib.import_module('.' + options.kind, __package__)
    if options.case is not None:
        module.Cases(options.seed).show(options.case)
        return 0
    numbers = range(options.first, options.first + (options.count or module.COUNT))
    if options.here:
        report = here(module, options.seed, numbers)
    else:
        report = run(
            module,
            options.seed,
            numbers,
            processes=options.processes,
            case_seconds=module.SECONDS,
            memory=module.MEMORY,
            seconds=options.seconds,
        )
    for fault, count in report.distinct():
        print(f'FAULT {count} x {fault.kind} at {fault.where}: {fault.what}\n    {fault.text}')
    done, (seconds, text) = report.counts['cases'], report.slowest
    if done < len(numbers):
        print(f'Stopped after {options.seconds:g} s: {done:,} of {len(numbers):,} cases.')
    print(f'{module.line(report)}; slowest {seconds:.2f} s: {text[:200]}; seed {options.seed}', flush=True)
    return int(bool(report.faults))


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
