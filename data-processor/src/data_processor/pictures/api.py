"""The routes of pictures."""

import asyncio
from typing import Annotated, Any, Protocol

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from data_processor.caller import CallerDep
from data_processor.dependencies import current_state
from data_processor.pictures.names import QUERY, TRAIN, BadNameError, PictureName, parse
from data_processor.pictures.schemas import (
    CropRequest,
    FaceBox,
    FaceBoxFound,
    FaceBoxRequest,
    ImageMade,
    ImageRequest,
    PictureOffer,
    PictureRequest,
    PictureStored,
    Upload,
)
from data_processor.pictures.service import MAX_BYTES, PATH, Pictures
from data_processor.pictures.work import PictureWork
from data_processor.service.errors import NotFound, TooLarge
from data_processor.tasks.faces.detection import Box


class State(Protocol):
    """What these routes need of what the lifespan opens."""

    pictures: Pictures
    picture_work: PictureWork


StateDep = Annotated[State, Depends(current_state)]
_BINARY = {"schema": {"type": "string", "format": "binary"}}
_IMAGES: dict[str, Any] = dict.fromkeys(("image/jpeg", "image/png", "image/webp"), _BINARY)
_BODY = {"requestBody": {"required": True, "content": {**_IMAGES, "application/octet-stream": _BINARY}}}
_GIVES: dict[int | str, dict[str, Any]] = {200: {"description": "The picture.", "content": _IMAGES}}

router = APIRouter(tags=["pictures"])


@router.post(PATH, status_code=201)
def announce_picture(asked: PictureRequest, state: StateDep, _caller: CallerDep) -> PictureOffer:
    """Ask where to upload a picture, which has the name `image` from then on."""
    offer = state.pictures.offer(asked.folder, asked.label, asked.content_type)
    upload = Upload(url=offer.url, headers={"Content-Type": asked.content_type})
    return PictureOffer(image=str(offer.name), upload=upload, expires_at=offer.expires_at)


@router.put(f"{PATH}/{QUERY}/{{file}}", status_code=201, openapi_extra=_BODY)
async def upload_query_picture(
    file: str, request: Request, state: StateDep, _caller: CallerDep
) -> PictureStored:
    """Upload a picture to ask about, of at most 10 MiB."""
    return await _upload(f"{QUERY}/{file}", request, state)


@router.put(f"{PATH}/{TRAIN}/{{label}}/{{file}}", status_code=201, openapi_extra=_BODY)
async def upload_training_picture(
    label: str, file: str, request: Request, state: StateDep, _caller: CallerDep
) -> PictureStored:
    """Upload a picture that shows the person with this label, of at most 10 MiB."""
    return await _upload(f"{TRAIN}/{label}/{file}", request, state)


@router.get(f"{PATH}/{QUERY}/{{file}}", response_class=Response, responses=_GIVES)
def download_query_picture(file: str, state: StateDep, _caller: CallerDep) -> Response:
    """Download a picture that was asked about."""
    return _download(f"{QUERY}/{file}", state)


@router.get(f"{PATH}/{TRAIN}/{{label}}/{{file}}", response_class=Response, responses=_GIVES)
def download_training_picture(label: str, file: str, state: StateDep, _caller: CallerDep) -> Response:
    """Download a picture that shows the person with this label."""
    return _download(f"{TRAIN}/{label}/{file}", state)


@router.post("/v1/face-box")
async def find_face(asked: FaceBoxRequest, state: StateDep, _caller: CallerDep) -> FaceBoxFound:
    """Say where the face in a picture is, and how many faces there are."""
    box, faces = await state.picture_work.face_box(image=asked.image, data_base64=asked.data_base64)
    return FaceBoxFound(box=None if box is None else FaceBox(**box._asdict()), faces=faces)


@router.post("/v1/image-processing/crop")
async def crop_picture(asked: CropRequest, state: StateDep, _caller: CallerDep) -> ImageMade:
    """Make a new picture of a part of one."""
    box = Box(asked.x, asked.y, asked.width, asked.height)
    return ImageMade(image=await state.picture_work.crop(asked.image, box))


@router.post("/v1/image-processing/black-and-white")
async def turn_picture_to_black_and_white(
    asked: ImageRequest, state: StateDep, _caller: CallerDep
) -> ImageMade:
    """Make a new picture of one, without its colours."""
    return ImageMade(image=await state.picture_work.black_and_white(asked.image))


async def _upload(text: str, request: Request, state: State) -> PictureStored:
    name = _parsed(text)
    content = bytearray()
    async for piece in request.stream():
        content += piece
        if len(content) > MAX_BYTES:
            raise TooLarge(f"A picture may have at most {MAX_BYTES} bytes: upload a smaller one.")
    await asyncio.to_thread(state.pictures.put, name, bytes(content))
    return PictureStored(image=str(name))


def _download(text: str, state: State) -> Response:
    name = _parsed(text)
    return Response(state.pictures.get(name), media_type=name.content_type)


def _parsed(text: str) -> PictureName:
    try:
        return parse(text)
    except BadNameError as error:
        raise NotFound(str(error)) from error
