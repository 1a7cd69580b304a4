"""The types of context.py: an overload for each set of arguments, so that a wrong keyword is seen before a run.

A name that no checker can read (a variable of type ``str``, the name of a method that a user registered) takes no
keywords but ``layer`` and ``strict``, because what accepted any would accept the wrong ones of a known name, too. Pass
the method itself, ``de.explain(Mine(scale=2.0), T, X, xs)``, or the keywords as ``**more``, with ``more: dict[str,
Any]``.
"""

from typing import Any, Literal, Sequence, overload

from ..types import ArrayLike, Baseline, BaselineSet, Integers
from .compat import Graph, Session, Tensor
from .explainer import Explainer
from .methods.method import Method

class DeepExplain:
    session: Session
    graph: Graph

    def __init__(self, graph: Graph | None = None, session: Session | None = None) -> None: ...
    @property
    def context_on(self) -> bool: ...
    def __enter__(self) -> DeepExplain: ...
    def __exit__(self, *exception: object) -> None: ...
    # One argument a line would make five pages of it.
    # fmt: off
    @overload
    def explain(
        self, method: Literal['zero'], T: Tensor, X: Any, xs: ArrayLike, ys: ArrayLike = None,
        batch_size: int | None = None, feed_dict: dict[Any, Any] | None = None, progress: bool = False,
        return_convergence_delta: bool = False,
        *, target: Any = None, explanation: bool = False,
        layer: Any = None, strict: bool = False,
    ) -> Any: ...
    @overload
    def explain(
        self, method: Literal['saliency'], T: Tensor, X: Any, xs: ArrayLike, ys: ArrayLike = None,
        batch_size: int | None = None, feed_dict: dict[Any, Any] | None = None, progress: bool = False,
        return_convergence_delta: bool = False,
        *, target: Any = None, explanation: bool = False,
        absolute: bool = True, layer: Any = None, strict: bool = False,
    ) -> Any: ...
    @overload
    def explain(
        self, method: Literal['grad*input'], T: Tensor, X: Any, xs: ArrayLike, ys: ArrayLike = None,
        batch_size: int | None = None, feed_dict: dict[Any, Any] | None = None, progress: bool = False,
        return_convergence_delta: bool = False,
        *, target: Any = None, explanation: bool = False,
        layer: Any = None, strict: bool = False,
    ) -> Any: ...
    @overload
    def explain(
        self, method: Literal['intgrad'], T: Tensor, X: Any, xs: ArrayLike, ys: ArrayLike = None,
        batch_size: int | None = None, feed_dict: dict[Any, Any] | None = None, progress: bool = False,
        return_convergence_delta: bool = False,
        *, target: Any = None, explanation: bool = False,
        steps: int = 100, baseline: Baseline = None, quadrature: str = 'riemann_right',
        baselines: BaselineSet = None, tolerance: float | None = None, max_steps: int = 10000,
        multiply_by_inputs: bool = True, layer: Any = None, strict: bool = False,
    ) -> Any: ...
    @overload
    def explain(
        self, method: Literal['elrp'], T: Tensor, X: Any, xs: ArrayLike, ys: ArrayLike = None,
        batch_size: int | None = None, feed_dict: dict[Any, Any] | None = None, progress: bool = False,
        return_convergence_delta: bool = False,
        *, target: Any = None, explanation: bool = False,
        epsilon: float = 1e-4, layer: Any = None, strict: bool = False,
    ) -> Any: ...
    @overload
    def explain(
        self, method: Literal['deeplift'], T: Tensor, X: Any, xs: ArrayLike, ys: ArrayLike = None,
        batch_size: int | None = None, feed_dict: dict[Any, Any] | None = None, progress: bool = False,
        return_convergence_delta: bool = False,
        *, target: Any = None, explanation: bool = False,
        baseline: Baseline = None, rules: str = 'original', baselines: BaselineSet = None,
        multiply_by_inputs: bool = True, layer: Any = None, strict: bool = False,
    ) -> Any: ...
    @overload
    def explain(
        self, method: Literal['occlusion'], T: Tensor, X: Any, xs: ArrayLike, ys: ArrayLike = None,
        batch_size: int | None = None, feed_dict: dict[Any, Any] | None = None, progress: bool = False,
        return_convergence_delta: bool = False,
        *, target: Any = None, explanation: bool = False,
        window_shape: int | Integers | None = None, step: int | Integers | None = None, baseline: Baseline = None,
        feature_mask: ArrayLike = None, replacements: ArrayLike = None, regions: str | bool = 'auto',
        layer: Any = None, strict: bool = False,
    ) -> Any: ...
    @overload
    def explain(
        self, method: Literal['shapley_sampling'], T: Tensor, X: Any, xs: ArrayLike, ys: ArrayLike = None,
        batch_size: int | None = None, feed_dict: dict[Any, Any] | None = None, progress: bool = False,
        return_convergence_delta: bool = False,
        *, target: Any = None, explanation: bool = False,
        samples: int = 5, sampling_dims: Integers | None = None, baseline: Baseline = None,
        feature_mask: ArrayLike = None, seed: int | None = None, antithetic: bool = False,
        return_standard_error: bool = False, tolerance: float | None = None, max_samples: int = 1000,
        regions: str | bool = 'auto', layer: Any = None, strict: bool = False,
    ) -> Any: ...
    @overload
    def explain(
        self, method: Literal['lrp'], T: Tensor, X: Any, xs: ArrayLike, ys: ArrayLike = None,
        batch_size: int | None = None, feed_dict: dict[Any, Any] | None = None, progress: bool = False,
        return_convergence_delta: bool = False,
        *, target: Any = None, explanation: bool = False,
        composite: str = 'epsilon-plus', rules: Sequence[tuple[str, Any]] = (), epsilon: float = 1e-6,
        gamma: float = 0.25, alpha: float = 2.0, beta: float = 1.0, low: Any = None, high: Any = None,
        bias: bool = True, canonize: bool = True, stabilizer: float | None = None, attention: str = 'attnlrp',
        gates: str = 'all', multiply_by_inputs: bool = True, layer: Any = None, strict: bool = False,
    ) -> Any: ...
    @overload
    def explain(
        self, method: Literal['guided_backprop', 'deconvnet'], T: Tensor, X: Any, xs: ArrayLike, ys: ArrayLike = None,
        batch_size: int | None = None, feed_dict: dict[Any, Any] | None = None, progress: bool = False,
        return_convergence_delta: bool = False,
        *, target: Any = None, explanation: bool = False,
        layer: Any = None, strict: bool = False,
    ) -> Any: ...
    @overload
    def explain(
        self, method: Literal['grad_cam', 'grad_cam++', 'guided_grad_cam'], T: Tensor, X: Any, xs: ArrayLike,
        ys: ArrayLike = None, batch_size: int | None = None, feed_dict: dict[Any, Any] | None = None,
        progress: bool = False, return_convergence_delta: bool = False,
        *, target: Any = None, explanation: bool = False,
        layer: Any = None, relu: bool = True, resize: str | None = 'bilinear', strict: bool = False,
    ) -> Any: ...
    @overload
    def explain(
        self, method: Literal['conductance', 'internal_influence'], T: Tensor, X: Any, xs: ArrayLike,
        ys: ArrayLike = None, batch_size: int | None = None, feed_dict: dict[Any, Any] | None = None,
        progress: bool = False, return_convergence_delta: bool = False,
        *, target: Any = None, explanation: bool = False,
        layer: Any = None, steps: int = 100, baseline: Baseline = None, quadrature: str = 'riemann_middle',
        baselines: BaselineSet = None, strict: bool = False,
    ) -> Any: ...
    @overload
    def explain(
        self, method: Method, T: Tensor, X: Any, xs: ArrayLike, ys: ArrayLike = None, batch_size: int | None = None,
        feed_dict: dict[Any, Any] | None = None, progress: bool = False, return_convergence_delta: bool = False,
        *, target: Any = None, explanation: bool = False,
        layer: Any = None, strict: bool = False,
    ) -> Any: ...
    @overload
    def explain(
        self, method: str, T: Tensor, X: Any, xs: ArrayLike, ys: ArrayLike = None, batch_size: int | None = None,
        feed_dict: dict[Any, Any] | None = None, progress: bool = False, return_convergence_delta: bool = False,
        *, target: Any = None, explanation: bool = False,
        layer: Any = None, strict: bool = False,
    ) -> Any: ...
    @overload
    def get_explainer(
        self, method: Literal['zero'], T: Tensor, X: Any,
        *, layer: Any = None, strict: bool = False,
    ) -> Explainer: ...
    @overload
    def get_explainer(
        self, method: Literal['saliency'], T: Tensor, X: Any,
        *, absolute: bool = True, layer: Any = None, strict: bool = False,
    ) -> Explainer: ...
    @overload
    def get_explainer(
        self, method: Literal['grad*input'], T: Tensor, X: Any,
        *, layer: Any = None, strict: bool = False,
    ) -> Explainer: ...
    @overload
    def get_explainer(
        self, method: Literal['intgrad'], T: Tensor, X: Any,
        *, steps: int = 100, baseline: Baseline = None, quadrature: str = 'riemann_right',
        baselines: BaselineSet = None, tolerance: float | None = None, max_steps: int = 10000,
        multiply_by_inputs: bool = True, layer: Any = None, strict: bool = False,
    ) -> Explainer: ...
    @overload
    def get_explainer(
        self, method: Literal['elrp'], T: Tensor, X: Any,
        *, epsilon: float = 1e-4, layer: Any = None, strict: bool = False,
    ) -> Explainer: ...
    @overload
    def get_explainer(
        self, method: Literal['deeplift'], T: Tensor, X: Any,
        *, baseline: Baseline = None, rules: str = 'original', baselines: BaselineSet = None,
        multiply_by_inputs: bool = True, layer: Any = None, strict: bool = False,
    ) -> Explainer: ...
    @overload
    def get_explainer(
        self, method: Literal['occlusion'], T: Tensor, X: Any,
        *, window_shape: int | Integers | None = None, step: int | Integers | None = None, baseline: Baseline = None,
        feature_mask: ArrayLike = None, replacements: ArrayLike = None, regions: str | bool = 'auto',
        layer: Any = None, strict: bool = False,
    ) -> Explainer: ...
    @overload
    def get_explainer(
        self, method: Literal['shapley_sampling'], T: Tensor, X: Any,
        *, samples: int = 5, sampling_dims: Integers | None = None, baseline: Baseline = None,
        feature_mask: ArrayLike = None, seed: int | None = None, antithetic: bool = False,
        return_standard_error: bool = False, tolerance: float | None = None, max_samples: int = 1000,
        regions: str | bool = 'auto', layer: Any = None, strict: bool = False,
    ) -> Explainer: ...
    @overload
    def get_explainer(
        self, method: Literal['lrp'], T: Tensor, X: Any,
        *, composite: str = 'epsilon-plus', rules: Sequence[tuple[str, Any]] = (), epsilon: float = 1e-6,
        gamma: float = 0.25, alpha: float = 2.0, beta: float = 1.0, low: Any = None, high: Any = None,
        bias: bool = True, canonize: bool = True, stabilizer: float | None = None, attention: str = 'attnlrp',
        gates: str = 'all', multiply_by_inputs: bool = True, layer: Any = None, strict: bool = False,
    ) -> Explainer: ...
    @overload
    def get_explainer(
        self, method: Literal['guided_backprop', 'deconvnet'], T: Tensor, X: Any,
        *, layer: Any = None, strict: bool = False,
    ) -> Explainer: ...
    @overload
    def get_explainer(
        self, method: Literal['grad_cam', 'grad_cam++', 'guided_grad_cam'], T: Tensor, X: Any,
        *, layer: Any = None, relu: bool = True, resize: str | None = 'bilinear', strict: bool = False,
    ) -> Explainer: ...
    @overload
    def get_explainer(
        self, method: Literal['conductance', 'internal_influence'], T: Tensor, X: Any,
        *, layer: Any = None, steps: int = 100, baseline: Baseline = None, quadrature: str = 'riemann_middle',
        baselines: BaselineSet = None, strict: bool = False,
    ) -> Explainer: ...
    @overload
    def get_explainer(
        self, method: Method, T: Tensor, X: Any,
        *, layer: Any = None, strict: bool = False,
    ) -> Explainer: ...
    @overload
    def get_explainer(
        self, method: str, T: Tensor, X: Any,
        *, layer: Any = None, strict: bool = False,
    ) -> Explainer: ...
