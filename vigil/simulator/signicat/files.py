"""The files of a process of Assure, and when each can be downloaded."""

import json
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Final, get_args

from starlette.exceptions import HTTPException

from vigil.simulator.files import File, archive, photograph, picture, video
from vigil.simulator.signicat import payloads
from vigil.simulator.signicat.contracts import depictions, has_video, sub_provider
from vigil.simulator.signicat.payloads import EXAMINED, State
from vigil.simulator.signicat.process import Process
from vigil.simulator.signicat.scenario import Depiction

NO_CONTENT: Final = 204


def image(process: Process, name: str) -> File:
    """Return an image. Raises `HTTPException`."""
    scenario = process.scenario
    depiction = next((each for each in get_args(Depiction) if each == name), None)
    if depiction is None or depiction not in sub_provider(scenario.provider).possible:
        raise HTTPException(400, "the provider has no such image")
    if depiction in scenario.redacted_images:
        raise HTTPException(403, "the image was redacted")
    if process.final_for is None:
        raise HTTPException(409, "the process has not ended")
    if depiction not in depictions(scenario):
        raise HTTPException(404, "there is no such image")
    return File(_picture(process, depiction).content, "application/octet-stream")


def _film(process: Process, _: State) -> File:
    if not sub_provider(process.scenario.provider).films:
        raise HTTPException(400, "the provider films nothing")
    if not has_video(process.scenario) or process.final_for is None:
        raise HTTPException(404, "there is no video")
    return video(f"{process.reference}/video")


def _raw(process: Process, state: State) -> File:
    if not sub_provider(process.scenario.provider).has_raw:
        raise HTTPException(404, "the provider has no raw result")
    if process.final_for is None:
        raise HTTPException(NO_CONTENT)
    return File(json.dumps(payloads.raw(state)).encode(), "application/json")


def _bundle(process: Process, state: State) -> File:
    if state.is_final and state.status not in EXAMINED:
        raise HTTPException(404, "a process without a result has no zip")
    if (process.final_for or timedelta(0)) < process.scenario.zip_lags or not state.is_final:
        raise HTTPException(NO_CONTENT)
    files = {"process.json": json.dumps(payloads.process(state)).encode()}
    for each in depictions(process.scenario):
        if each not in process.scenario.redacted_images:
            files[f"{each}.jpg" if each != "portrait" else "portrait.png"] = _picture(process, each).content
    if has_video(process.scenario):
        files["video.mp4"] = video(f"{process.reference}/video").content
    return archive(files)


FILES: Final[Mapping[str, Callable[[Process, State], File]]] = {"video": _film, "raw": _raw, "download": _bundle}
"""By the last part of its address, what returns the file, or raises `HTTPException`."""


def _picture(process: Process, depiction: Depiction) -> File:
    name = f"{process.reference}/{depiction}"
    return picture(name) if depiction == "portrait" else photograph(name)
