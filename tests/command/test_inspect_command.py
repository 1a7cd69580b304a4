"""deepexplain inspect."""

import json


def test_what_there_is_to_explain(deepexplain, classifier):
    found = deepexplain('inspect', classifier)
    assert (found.exit_code, found.stderr) == (0, '')
    rows = [line.split() for line in found.stdout.splitlines()]
    assert 'Explained is logits:0, unless --tensor names another.' in found.stdout
    assert ['input', 'x:0', 'float32', '(any,', '4)'] in rows
    assert ['output', 'probabilities:0', 'float32', '(any,', '3)'] in rows
    targets = [row[1] for row in rows if row[:1] == ['target']]
    assert targets == ['logits:0', 'probabilities:0']
    assert ['layer', 'hidden:0', 'float32', '(any,', '6)', 'Relu'] in rows
    assert "'intgrad' keeps its sum, T(x) - T(baseline), through all 5 ops between X and T." in found.stdout
    assert "'grad_cam' needs --option layer=NAME." in found.stdout
    assert "'zero'" not in found.stdout


def test_json_has_every_op_of_every_method(deepexplain, classifier):
    found = deepexplain('inspect', classifier, '--json', '--class-names', 'cat,dog,eel')
    said = json.loads(found.stdout)
    assert (said['explained'], said['class_names']) == ('logits:0', ['cat', 'dog', 'eel'])
    assert said['inputs'] == [{'name': 'x:0', 'dtype': 'float32', 'shape': [None, 4]}]
    methods = {one['method']: one for one in said['methods']}
    assert [op['type'] for op in methods['deeplift']['ops']][2] == 'Relu'
    assert methods['deeplift']['ops'][2]['treatment'] == 'rescale'
    assert methods['saliency']['quantity'] == 'sensitivity'
    assert methods['conductance']['ops'] is None


def test_one_method(deepexplain, classifier):
    found = deepexplain('inspect', classifier, '-m', 'deeplift', '-o', 'rules=complete', '-T', 'probabilities')
    assert found.exit_code == 0, found.stderr
    assert "'deeplift' keeps its sum, T(x) - T(baseline), through all 6 ops between X and T:" in found.stdout
    assert 'softmax' in found.stdout.splitlines()[-1]
    breaks = deepexplain('inspect', classifier, '-m', 'deeplift', '-T', 'probabilities')
    assert breaks.exit_code == 0
    assert breaks.stderr.startswith('Warning: ')
    short = deepexplain('inspect', classifier, '-T', 'probabilities')
    assert 'plain gradient (breaks the sum): Softmax' in short.stdout


def test_of_several_inputs_what_does_not_apply_says_why(deepexplain, two_inputs):
    found = deepexplain('inspect', two_inputs)
    assert found.exit_code == 0, found.stderr
    assert "Multiple inputs not yet supported for perturbation methods ('occlusion')." in found.stdout


def test_wrong_use(deepexplain, classifier):
    for arguments, message in [
        (['-o', 'steps=5'], '--option is of a method: give --method, too.'),
        (['-m', 'intgrat'], "Do you mean 'intgrad'?"),
        (['-m', 'intgrad', '-o', 'steps'], "must be NAME=VALUE; got 'steps'."),
        (['-m', 'intgrad', '-o', 'stops=5'], "'intgrad' does not know the argument 'stops'"),
        (['-T', 'logit'], 'Names like it: logits:0'),
    ]:
        found = deepexplain('inspect', classifier, *arguments)
        assert (found.exit_code, found.stdout) == (2, '')
        assert message in found.stderr
