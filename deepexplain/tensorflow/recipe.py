"""A recipe: an explainer as data, which any process can open: a model's path, a method, T, X and options."""

import hashlib
import json
import os
from contextlib import contextmanager
from dataclasses import fields
from types import MappingProxyType
from typing import Any, Dict, Iterator, Mapping, Optional

import numpy as np

from .. import __version__
from ..arguments import as_count, as_data, as_mapping, text_of
from ..errors import ArgumentError, ArgumentTypeError, DeepExplainError, GraphError, ReadOnlyError
from .compat import session_config, tf
from .context import DeepExplain
from .explainer import Explainer
from .methods.method import Method, method_from, method_named, same, takes_layer
from .models import OpenModel, open_model
from .models.ends import only_output
from .models.files import data_as_specs, files_of, spec_as_data
from .runtime.data import decoded, encoded, expression
from .streaming.cutting import baseline_rows, check_apart, check_method

#: Bytes of a file that are read at a time.
BLOCK = 1 << 22
#: Sizes to try for a dimension of X that the model leaves open, until the network takes one.
OPEN_DIMENSIONS = (16, 128, 1024)


class Recipe:
    """An explainer as data: it can be pickled, printed and written as JSON, and opened in any process.

    Parameters
    ----------
    path : str or path
        Of a model, as :func:`~deepexplain.tensorflow.open_model` takes it. It is made absolute.
    method : str, or a method
        A name, or a method with its arguments, such as ``IntegratedGradients(steps=50)``.
    T : str, default 'logits'
        'logits', the tensor before the softmax or sigmoid in which the only output ends; 'outputs', the only output; or
        the name of a tensor, the graph's or the model's own.
    X : str or list of str, default 'inputs'
        'inputs', all inputs of the model; or the name of a tensor, or a list of them.
    model : dict, optional
        Options of ``open_model`` that are data: ``{'safe_mode': False}``, ``{'outputs': ['scores']}``.
        ``tf.TensorSpec``s are kept as dicts of shape, dtype and name.
    **options
        Arguments of the method, ``strict`` and ``layer`` (a name, or a list of them), as ``get_explainer`` takes them.

    Raises
    ------
    ArgumentError
        What is asked for would depend on how samples are cut into pieces: a baseline that is a function of xs, random
        orders without ``seed``.
    ArgumentTypeError
        Something is no data: a model, a tensor, a function.

    Examples
    --------
    >>> from deepexplain.tensorflow import Recipe
    >>> recipe = Recipe('/models/mnist.keras', 'intgrad', steps=50, baseline=[0.0, 0.5])
    >>> recipe
    Recipe('/models/mnist.keras', 'intgrad', steps=50, baseline=[0.0, 0.5])
    >>> Recipe.from_json(recipe.to_json()) == recipe
    True
    """

    path: str
    method: str
    T: str
    X: Any
    model: Mapping[str, Any]
    options: Mapping[str, Any]

    def __init__(
        self,
        path: Any,
        method: Any,
        T: Any = 'logits',
        X: Any = 'inputs',
        model: Optional[Mapping[str, Any]] = None,
        **options: Any,
    ) -> None:
        if isinstance(method, Method):
            given = {f.name: getattr(method, f.name) for f in fields(method) if f.init}
            defaults = {f.name: f.default for f in fields(method)}
            options = {**{k: v for k, v in given.items() if not same(v, defaults[k])}, **options}
            method = method.name
        cls: Any = method_named(method)
        if not (isinstance(cls, type) and issubclass(cls, Method)):
            raise ArgumentTypeError(
                f"Method '{method}' is written as for DeepExplain 0.3: register a Method for a Recipe."
            )
        arguments = dict(options)
        if not takes_layer(cls):
            arguments.pop('layer', None)
        check_method(method_from(cls, (), arguments)[0])
        of_tensors = 'Of a tensor give its name.'
        values = {
            'path': _as_path(path),
            'method': str(method),
            'T': _as_name(T, 'T'),
            'X': [_as_name(x, 'X') for x in X] if isinstance(X, (list, tuple)) else _as_name(X, 'X'),
            'model': MappingProxyType(_as_model_options(model)),
            'options': MappingProxyType({name: as_data(value, name, of_tensors) for name, value in options.items()}),
        }
        self.__dict__.update(values)

    def __setattr__(self, name: str, value: Any) -> None:
        raise ReadOnlyError(f"A Recipe is what it was made: '{name}' cannot be set. Make another.")

    @contextmanager
    def open(self, threads: Optional[int] = None) -> Iterator[Explainer]:
        """Open the model and build the explainer: ``with recipe.open() as explainer``. Leaving closes the session.

        Parameters
        ----------
        threads : int, optional
            In how many threads the session computes; default: TensorFlow's choice. The first session of a process
            decides for all of them, so give it where nothing of TensorFlow ran before.

        Yields
        ------
        Explainer

        Raises
        ------
        ArgumentError
            The network mixes samples, or is random: attributions would depend on how samples are cut into pieces.
            Or the baseline has a row for each sample, which only whoever has the samples can cut.
        ArgumentError, ArgumentTypeError, ModelError, GraphError
            As of ``open_model`` and ``get_explainer``.
        """
        config = None if threads is None else session_config(as_count(threads, 'threads'))
        if config is not None:
            tf.Session(graph=tf.Graph(), config=config).close()  # before Keras computes anything, in threads of its own
        options = {name: data_as_specs(value) if name == 'inputs' else value for name, value in self.model.items()}
        with open_model(self.path, config=config, **options) as model:
            with DeepExplain(session=model.session) as de:
                explainer = de.get_explainer(
                    self.method, target_of(model, self.T), inputs_of(model, self.X), **options_of(model, self.options)
                )
            check_opened(explainer)
            yield explainer

    def fingerprint(self) -> str:
        """The sha256, in hexadecimal, of all that decides the numbers: model files, T, X, method, options, our version.

        Not of the path: a copy of the model elsewhere has the same.
        """
        digest = hashlib.sha256()
        said = {**self._as_dict(), 'path': None, 'deepexplain': __version__}
        digest.update(json.dumps(said, sort_keys=True).encode())
        for name, path in files_of(self.path, self.model.get('checkpoint')):
            digest.update(f'\n{name} {os.path.getsize(path)}\n'.encode())
            with open(path, 'rb') as file:
                for block in iter(lambda: file.read(BLOCK), b''):
                    digest.update(block)
        return digest.hexdigest()

    def to_json(self) -> str:
        """The recipe as JSON text, arrays included; :meth:`from_json` reads it."""
        return json.dumps(self._as_dict(), allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> 'Recipe':
        """The recipe of which this is the JSON.

        Raises
        ------
        ArgumentError
            It is none.
        """
        try:
            said = json.loads(text)
            values = {name: decoded(said[name]) for name in ('path', 'method', 'T', 'X', 'model', 'options')}
            options, rest = dict(values.pop('options')), values
        except Exception as error:  # whatever a text may hold
            raise ArgumentError(f'This is not the JSON of a Recipe: {text_of(text)} ({error}).') from None
        return cls(**rest, **options)

    def __repr__(self) -> str:
        return self._text(expression)

    def __str__(self) -> str:
        return self._text(text_of)

    def __eq__(self, other: object) -> bool:
        return self._as_dict() == other._as_dict() if isinstance(other, Recipe) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.to_json())

    def __reduce__(self) -> Any:
        return Recipe.from_json, (self.to_json(),)

    def _as_dict(self) -> Dict[str, Any]:
        return {name: encoded(value) for name, value in vars(self).items()}

    def _text(self, text: Any) -> str:
        given = [repr(self.path), repr(self.method)]
        given += [] if self.T == 'logits' else [f'T={self.T!r}']
        given += [] if self.X == 'inputs' else [f'X={self.X!r}']
        given += [f'model={text(dict(self.model))}'] if self.model else []
        return f'Recipe({", ".join([*given, *(f"{name}={text(value)}" for name, value in self.options.items())])})'


def target_of(model: OpenModel, T: str) -> Any:
    """The tensor that a recipe means by T."""
    if T == 'outputs':
        return only_output(model)
    if T != 'logits':
        return model.tensor(T)
    try:
        named: Any = model.tensor('logits')
    except ArgumentError:
        return model.logits
    try:
        found = model.logits
    except GraphError:
        return named
    if found is not named:
        raise GraphError(
            f"T='logits': '{found.name}' is before the softmax, and another tensor is called 'logits', "
            f"'{named.name}'. Name the one that is meant with its ':0'."
        )
    return found


def inputs_of(model: OpenModel, X: Any) -> Any:
    """The tensors, or the one, that a recipe means by X."""
    if X == 'inputs':
        return model.inputs[0] if len(model.inputs) == 1 else list(model.inputs)
    return [model.tensor(x) for x in X] if isinstance(X, list) else model.tensor(X)


def options_of(model: OpenModel, options: Mapping[str, Any]) -> Dict[str, Any]:
    """Arguments of the method, with tensors for the names of a layer."""
    options, layer = dict(options), options.get('layer')
    if layer is not None:
        options['layer'] = [model.tensor(z) for z in layer] if isinstance(layer, (list, tuple)) else model.tensor(layer)
    return options


def check_opened(explainer: Explainer) -> None:
    """Raise where attributions depend on how samples are cut, as far as that can be found out without samples."""
    if baseline_rows(explainer) is not None:
        raise ArgumentError(
            'baseline has a row for each sample, and a Recipe knows no samples: leave it out, and give the rows '
            "with the samples: to a Worker as a column, columns={'baseline': ...}; or to explainer.with_arguments."
        )
    given = explainer.problem if explainer.problem.layer is None else explainer.problem.layer.problem
    for size in OPEN_DIMENSIONS:
        xs = [np.zeros([2] + [size if d is None else d for d in (spec.shape or ())[1:]]) for spec in given.specs]
        xs = [x.astype(spec.dtype) for x, spec in zip(xs, given.specs)]
        try:
            request = explainer.request(xs if explainer.has_multiple_inputs else xs[0])
            request.run([explainer.problem.target], slice(0, 2))
        except (DeepExplainError, tf.errors.OpError):  # it needs feeds, or another size: the samples will tell
            continue
        check_apart(explainer, request)
        return


def _as_path(path: Any) -> str:
    try:
        return os.path.abspath(os.fsdecode(path))
    except Exception:  # whatever the __fspath__ of an object raises
        raise ArgumentTypeError(
            f'A Recipe has the path of a model, which other processes can open; got {text_of(path)}. Save the model '
            "first, as in model.save('model.keras'), and give that path."
        ) from None


def _as_name(value: Any, name: str) -> str:
    if not isinstance(value, str):
        raise ArgumentTypeError(
            f"{name} must be the name of a tensor, such as 'dense/BiasAdd:0', or 'logits', 'outputs', 'inputs'; got "
            f'{text_of(value)}. (tensor.name)'
        )
    return str(value)


def _as_model_options(model: Any) -> Dict[str, Any]:
    options = dict(as_mapping({} if model is None else model, 'model'))
    if 'config' in options:
        raise ArgumentError('model: config is no part of a Recipe, as it changes no numbers: open(threads=...).')
    if options.get('inputs') is not None:
        inputs = options['inputs']
        options['inputs'] = [spec_as_data(x) for x in (inputs if isinstance(inputs, (list, tuple)) else [inputs])]
    instead = 'Of custom objects: register them where they are written (keras.saving.register_keras_serializable).'
    return {str(name): as_data(value, f'model[{name!r}]', instead) for name, value in options.items()}
