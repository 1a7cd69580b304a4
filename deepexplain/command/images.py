"""Images as samples: resized, with the channels and the scale that were asked for."""

import os
from typing import Any, List, Mapping, Optional, Tuple

import numpy as np

from ..errors import ArgumentError
from ..types import Array
from .options import numbers, size_of

ENDINGS = ('.png', '.jpg', '.jpeg', '.gif', '.bmp', '.webp', '.tif', '.tiff')
#: Channels -> how many, and the mode of Pillow.
CHANNELS = {'grey': (1, 'L'), 'rgb': (3, 'RGB'), 'bgr': (3, 'RGB'), 'rgba': (4, 'RGBA')}
OF_COUNT = {1: 'grey', 3: 'rgb', 4: 'rgba'}
#: Modes of more than 8 bits, which Pillow would cut off without a word.
DEEP = ('I', 'F', 'I;16', 'I;16B', 'I;16L')


def read_images(path: str, tensor: Any, given: Mapping[str, Any]) -> Tuple[Array, List[str], str]:
    """The image, or those of the folder in the order of their names; their names; and what was done to them."""
    files, others = _files(path)
    size, channels, place = _wanted(tensor, given)
    if given['scale'] is None:
        raise ArgumentError(
            'Images are numbers from 0 to 255, and no file says what the model was trained on: say --scale 0,1, '
            '--scale -1,1 or --scale 0,255.'
        )
    images = [_read(file, size, channels, given['resize']) for file in files]
    sizes = sorted({found for _, found in images})
    shapes = {image.shape for image, _ in images}
    if len(shapes) > 1:
        raise ArgumentError(f'Images differ in size, and the input leaves it open: say --size HxW; got {sizes[:5]}.')
    low, high = (int(one) for one in given['scale'].split(','))
    xs = np.stack([image for image, _ in images]).astype(np.float32) * ((high - low) / 255) + low
    done = f'{channels}, from {low} (black) to {high} (white)'
    for option, change, how in (('mean', np.subtract, 'minus'), ('std', np.divide, 'divided by')):
        values = numbers(given[option], f'--{option}')
        if values is not None:
            if len(values) not in (1, xs.shape[-1]) or (option == 'std' and 0 in values):
                raise ArgumentError(f'--{option} must be one number, or {xs.shape[-1]}, not 0; got {given[option]}.')
            xs = change(xs, np.array(values, np.float32))
            done += f', {how} {given[option]}'
    if place is None:
        xs = xs[..., 0]
    elif place == 1:
        xs = np.moveaxis(xs, -1, 1)
    height, width = images[0][0].shape[:2]
    was = f'{sizes[0][0]} x {sizes[0][1]}' if len(sizes) == 1 else f'{len(sizes)} sizes'
    resized = f'resized from {was} to {height} x {width} ({given["resize"]}, stretched)'
    kept = sizes == [(height, width)]
    said = f'{len(xs)} images (height x width), {f"{height} x {width}" if kept else resized}; {done}'
    said += f'; {others} other file{"s" * (others > 1)} left out' if others else ''
    return np.ascontiguousarray(xs), [os.path.basename(file) for file in files], said


def _files(path: str) -> Tuple[List[str], int]:
    if not os.path.isdir(path):
        return [path], 0
    there = sorted(name for name in os.listdir(path) if not name.startswith('.'))
    names = [name for name in there if name.lower().endswith(ENDINGS)]
    if not names:
        raise ArgumentError(f"There is no image in '{path}': files that end in {', '.join(ENDINGS)}.")
    return [os.path.join(path, name) for name in names], len(there) - len(names)


def _wanted(tensor: Any, given: Mapping[str, Any]) -> Tuple[Optional[Tuple[int, int]], str, Optional[int]]:
    """Height and width (None: as they are), the channels, and the axis that these are (None: there is none)."""
    shape = None if tensor.shape.ndims is None else tensor.shape.as_list()[1:]
    given_size, channels = size_of(given['size']), given['channels']
    if shape is None or len(shape) not in (2, 3):
        raise ArgumentError(f"The input '{tensor.name}' has the shape {tensor.shape}, and takes no images.")
    place: Optional[int] = None
    if len(shape) == 3:
        place = 3 if shape[2] in OF_COUNT or shape[0] not in OF_COUNT else 1
        count = shape[place - 1]
        sides = shape[:2] if place == 3 else shape[1:]
        if channels is None and count not in OF_COUNT:
            raise ArgumentError(f"The input '{tensor.name}' has the shape {tensor.shape}: say --channels.")
        channels = channels or OF_COUNT[count]
    else:
        count, sides, channels = 1, shape, channels or 'grey'
    if count is not None and CHANNELS[channels][0] != count:
        raise ArgumentError(f"The input '{tensor.name}' has {count} channels, and --channels {channels} has others.")
    if given_size is not None and any(side not in (None, one) for side, one in zip(sides, given_size)):
        raise ArgumentError(f"The input '{tensor.name}' is {sides[0]} x {sides[1]}; --size has {given['size']}.")
    if None in sides:
        return given_size, channels, place
    return (sides[0], sides[1]), channels, place


def _read(path: str, size: Optional[Tuple[int, int]], channels: str, resize: str) -> Tuple[Array, Tuple[int, int]]:
    """An image of shape (height, width, channels), and its size before."""
    from PIL import Image, ImageOps

    try:
        with Image.open(path) as file:
            if file.mode in DEEP:
                raise ArgumentError(f"'{path}' has more than 8 bits a channel: give .npy, or an image of 8 bits.")
            image: Any = ImageOps.exif_transpose(file).convert(CHANNELS[channels][1])
    except ArgumentError:
        raise
    except Exception as error:  # of every type, for files that are damaged
        raise ArgumentError(f"'{path}' cannot be read as an image: {error}") from None
    before = (image.height, image.width)
    if size is not None and before != size:
        image = image.resize(size[::-1], getattr(Image, resize.upper()))
    array = np.asarray(image).reshape(image.height, image.width, -1)
    return array[..., ::-1] if channels == 'bgr' else array, before
