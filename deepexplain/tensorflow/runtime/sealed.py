"""Objects that are what they were made: they belong to a session, and take no attributes from outside."""

from typing import Any

from ...errors import ArgumentTypeError, ReadOnlyError

#: What version 0.3 called arguments of its methods, and what they are called now.
OF_0_3 = {'replace_value': 'baseline'}


class Sealed:
    """Refuses public attributes, which nothing would read, and copies, which would have no session."""

    def set_once(self, **values: Any) -> None:
        """Set attributes: for whoever makes the object."""
        self.__dict__.update(values)

    def __setattr__(self, name: str, value: Any) -> None:
        """Refuse a public attribute."""
        if name.startswith('_') or callable(getattr(type(self), name, None)):  # a method that somebody wraps
            object.__setattr__(self, name, value)
            return
        argument, about = OF_0_3.get(name, name), ''
        if argument != name:
            about = f" What version 0.3 called {name} is {argument}='s value now."
        raise ReadOnlyError(
            f"An {type(self).__name__} is what it was made: '{name}' cannot be set, as nothing would read it.{about} "
            f'Give arguments of the method where it is made, as in get_explainer(method, T, X, {argument}=...), or by '
            f'explainer.with_arguments({argument}=...).'
        )

    def __copy__(self) -> Any:
        """Itself, which nothing changes."""
        return self

    def __reduce_ex__(self, protocol: Any) -> Any:
        """Refuse to be pickled or copied deeply."""
        raise ArgumentTypeError(
            f'An {type(self).__name__} cannot be pickled or copied to another process: it belongs to a session. What '
            "travels is a Recipe: Recipe('model.keras', method, T='logits', X='inputs', ...).open() in each process. "
            'Threads may share an explainer, and copy.copy is the same object.'
        )
