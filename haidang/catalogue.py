"""The device models of an installation: those shipped and those of the site's own folders."""

from collections.abc import Iterator

from drivers.catalogue import Catalogue, load_catalogue
from drivers.profile_checks import mistakes_of
from haidang.configuration import ConfigurationFile, Mistake, MistakesError
from telemetry import ProfileError


def site_catalogue(file: ConfigurationFile) -> Catalogue:
    """The shipped device models and those of the site. Raises MistakesError."""
    folders = [file.beside(folder) for folder in file.configuration.profiles]
    for index, folder in enumerate(folders):
        if not folder.is_dir():
            raise MistakesError([file.mistake(("profiles", index), f"{folder} is not a folder")])
    try:
        return load_catalogue(*folders)
    except ProfileError as error:
        raise MistakesError([Mistake(None, None, line) for line in str(error).splitlines()]) from error


def profile_mistakes(file: ConfigurationFile, catalogue: Catalogue) -> Iterator[Mistake]:
    """What is wrong with the site's own device models, whether a device uses them or not."""
    folders = tuple(f"{file.beside(folder)}/" for folder in file.configuration.profiles)
    for draft in catalogue.drafts.values():
        if draft.document.file.startswith(folders):
            for line in mistakes_of(draft):
                yield Mistake(None, None, line)
