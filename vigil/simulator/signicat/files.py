"""The files behind a process of Assure, and when which of them can be had."""

import json
from datetime import timedelta
from typing import get_args

from vigil.simulator.files import File, archive, photograph, picture, video
from vigil.simulator.signicat import payloads
from vigil.simulator.signicat.habits import depictions, habits, has_video
from vigil.simulator.signicat.payloads import EXAMINED
from vigil.simulator.signicat.process import Process
from vigil.simulator.signicat.scenario import Depiction


class NoFile(LookupError):
    """The file cannot be had; `code` is the status code that says why."""

    def __init__(self, code: int, why: str) -> None:
        super().__init__(why)
        self.code = code


def image(process: Process, depiction: str) -> File:
    """Return an image. Raises `NoFile`."""
    scenario = process.scenario
    wanted = next((each for each in get_args(Depiction) if each == depiction), None)
    if wanted is None or wanted not in habits(scenario.provider).possible:
        raise NoFile(400, "the provider has no such image")
    if wanted in scenario.redacted_images:
        raise NoFile(403, "the image was redacted")
    if not _is_there(process, scenario.images_lag):
        raise NoFile(409, "the process has not ended, or its images are not ready")
    if wanted not in depictions(scenario):
        raise NoFile(404, "there is no such image")
    return File(_picture(process, wanted).content, "application/octet-stream")


def film(process: Process) -> File:
    """Return the video. Raises `NoFile`."""
    scenario = process.scenario
    if not habits(scenario.provider).films:
        raise NoFile(400, "the provider films nothing")
    if not has_video(scenario) or not _is_there(process, scenario.video_lags):
        raise NoFile(404, "there is no video")
    return video(f"{process.reference}/video")


def raw(process: Process) -> File:
    """Return what the sub-provider itself said. Raises `NoFile`."""
    if not habits(process.scenario.provider).has_raw:
        raise NoFile(404, "the provider has no raw result")
    if not _is_there(process, process.scenario.raw_lags):
        raise NoFile(204, "the process has not ended, or its raw result is not ready")
    return File(json.dumps(payloads.raw(process.ids)).encode(), "application/json")


def bundle(process: Process) -> File:
    """Return the zip of everything. Raises `NoFile`."""
    scenario, standing = process.scenario, process.standing()
    if standing is not None and standing.is_final and standing.status not in EXAMINED:
        raise NoFile(404, "a process that came to no result has no zip")
    if standing is None or not _is_there(process, scenario.zip_lags):
        raise NoFile(204, "the process has not ended, or its zip is not ready")
    told = {"process.json": json.dumps(payloads.process(scenario, standing)).encode()}
    for each in depictions(scenario):
        if each not in scenario.redacted_images:
            told[f"{each}.jpg" if each != "portrait" else "portrait.png"] = _picture(process, each).content
    if has_video(scenario):
        told["video.mp4"] = video(f"{process.reference}/video").content
    return archive(told)


def _picture(process: Process, depiction: Depiction) -> File:
    name = f"{process.reference}/{depiction}"
    return picture(name) if depiction == "portrait" else photograph(name)


def _is_there(process: Process, lag: timedelta) -> bool:
    since = process.final_for()
    return since is not None and since >= lag
