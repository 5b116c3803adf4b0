"""An account at the played Identomat, and the stories that it plays."""

from simulator.story import PlayedAccount, Story

ACCOUNTS: tuple[PlayedAccount, ...] = ()
STORIES: tuple[Story, ...] = ()
