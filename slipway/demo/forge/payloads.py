"""Bodies of GitHub's `push` and `ping` events, built from plain facts.

Shapes: https://docs.github.com/en/webhooks/webhook-events-and-payloads and the schemas in octokit/webhooks.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

NULL_SHA = "0" * 40
MAX_COMMITS = 2048

# field → what follows https://api…/repos/<owner>/<name> in it
_REPOSITORY_URLS = {
    "forks_url": "/forks",
    "keys_url": "/keys{/key_id}",
    "collaborators_url": "/collaborators{/collaborator}",
    "teams_url": "/teams",
    "hooks_url": "/hooks",
    "issue_events_url": "/issues/events{/number}",
    "events_url": "/events",
    "assignees_url": "/assignees{/user}",
    "branches_url": "/branches{/branch}",
    "tags_url": "/tags",
    "blobs_url": "/git/blobs{/sha}",
    "git_tags_url": "/git/tags{/sha}",
    "git_refs_url": "/git/refs{/sha}",
    "trees_url": "/git/trees{/sha}",
    "statuses_url": "/statuses/{sha}",
    "languages_url": "/languages",
    "stargazers_url": "/stargazers",
    "contributors_url": "/contributors",
    "subscribers_url": "/subscribers",
    "subscription_url": "/subscription",
    "commits_url": "/commits{/sha}",
    "git_commits_url": "/git/commits{/sha}",
    "comments_url": "/comments{/number}",
    "issue_comment_url": "/issues/comments{/number}",
    "contents_url": "/contents/{+path}",
    "compare_url": "/compare/{base}...{head}",
    "merges_url": "/merges",
    "archive_url": "/{archive_format}{/ref}",
    "downloads_url": "/downloads",
    "issues_url": "/issues{/number}",
    "pulls_url": "/pulls{/number}",
    "milestones_url": "/milestones{/number}",
    "notifications_url": "/notifications{?since,all,participating}",
    "labels_url": "/labels{/name}",
    "releases_url": "/releases{/id}",
    "deployments_url": "/deployments",
}
_EQUAL_IN_ALL = {
    "description": None,
    "fork": False,
    "homepage": None,
    **dict.fromkeys(("size", "stargazers_count", "watchers_count", "forks_count", "open_issues_count"), 0),
    **dict.fromkeys(("forks", "open_issues", "watchers", "stargazers"), 0),
    "language": None,
    **dict.fromkeys(("has_issues", "has_projects", "has_downloads", "has_wiki"), True),
    **dict.fromkeys(("has_pages", "archived", "disabled", "is_template"), False),
    "mirror_url": None,
    "license": None,
    "allow_forking": True,
}
"""Fields of a repository that nothing here sets."""
_USER_URLS = {
    "followers_url": "/followers",
    "following_url": "/following{/other_user}",
    "gists_url": "/gists{/gist_id}",
    "starred_url": "/starred{/owner}{/repo}",
    "subscriptions_url": "/subscriptions",
    "organizations_url": "/orgs",
    "repos_url": "/repos",
    "events_url": "/events{/privacy}",
    "received_events_url": "/received_events",
}


@dataclass(frozen=True, slots=True)
class Person:
    """Who pushed, wrote or committed."""

    login: str = "octocat"
    email: str = "octocat@users.noreply.github.com"
    name: str = ""

    def git(self) -> dict[str, Any]:
        return {"name": self.name or self.login, "email": self.email, "username": self.login}


def identity(text: str) -> int:
    """A number for a name, the same in every run."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big") % 900_000_000 + 1


def user(base_url: str, login: str, kind: str = "User") -> dict[str, Any]:
    """GitHub's "simple user"."""
    api = f"{base_url}/users/{login}"
    return {
        "login": login,
        "id": identity(login),
        "node_id": f"U_{identity(login):x}",
        "avatar_url": f"{base_url}/u/{identity(login)}",
        "gravatar_id": "",
        "url": api,
        "html_url": f"{base_url}/{login}",
        **{field: api + rest for field, rest in _USER_URLS.items()},
        "type": kind,
        "site_admin": False,
    }


def repository(
    base_url: str,
    full_name: str,
    *,
    private: bool = False,
    default_branch: str = "main",
    created_at: int = 1_700_000_000,
    pushed_at: int = 1_700_000_000,
) -> dict[str, Any]:
    """A repository as it stands in events. `created_at` and `pushed_at` are Unix seconds (so in `push`)."""
    owner, _, name = full_name.partition("/")
    api, html = f"{base_url}/repos/{full_name}", f"{base_url}/{full_name}"
    host = base_url.partition("://")[2].partition(":")[0]
    organisation = user(base_url, owner, "Organization")
    return {
        "id": identity(full_name),
        "node_id": f"R_{identity(full_name):x}",
        "name": name,
        "full_name": full_name,
        "private": private,
        "owner": {"name": owner, "email": f"{owner}@users.noreply.github.com", **organisation},
        "html_url": html,
        "url": api,
        **{field: api + rest for field, rest in _REPOSITORY_URLS.items()},
        "created_at": created_at,
        "updated_at": datetime.fromtimestamp(pushed_at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "pushed_at": pushed_at,
        "git_url": f"git://{host}/{full_name}.git",
        "ssh_url": f"git@{host}:{full_name}.git",
        "clone_url": f"{html}.git",
        "svn_url": html,
        **_EQUAL_IN_ALL,
        "visibility": "private" if private else "public",
        "default_branch": default_branch,
        "master_branch": default_branch,
    }


def commit(sha: str, **known: Any) -> dict[str, Any]:
    """One entry of `commits`, or `head_commit`; `known` replaces what is made up."""
    return {
        "id": sha,
        "tree_id": hashlib.sha1(sha.encode(), usedforsecurity=False).hexdigest(),
        "distinct": True,
        "message": "Change the greeting",
        "timestamp": "2026-01-15T09:30:00+00:00",
        "url": f"https://github.example/acme/hello/commit/{sha}",
        "author": Person().git(),
        "committer": Person().git(),
        "added": [],
        "removed": [],
        "modified": [],
        **known,
    }


def pushed_by(base_url: str, who: Person) -> dict[str, Any]:
    """The fields of a `push` that tell who pushed."""
    return {"pusher": {"name": who.login, "email": who.email}, "sender": user(base_url, who.login)}


def push(
    repository: Mapping[str, Any],
    *,
    ref: str,
    before: str,
    after: str,
    commits: Sequence[Mapping[str, Any]] = (),
    head_commit: Mapping[str, Any] | None = None,
    base_ref: str | None = None,
    forced: bool = False,
) -> dict[str, Any]:
    """The body of a `push` event. `commits` is oldest first; its newest 2048 are listed, as at GitHub."""
    base_url = str(repository["html_url"]).removesuffix(f"/{repository['full_name']}")
    newest = list(commits)[-MAX_COMMITS:]
    deleted = after == NULL_SHA
    return {
        "ref": ref,
        "before": before,
        "after": after,
        "repository": dict(repository),
        **pushed_by(base_url, Person()),
        "created": before == NULL_SHA,
        "deleted": deleted,
        "forced": forced,
        "base_ref": base_ref,
        "compare": _compare(str(repository["html_url"]), ref, before, after),
        "commits": newest,
        "head_commit": None if deleted else head_commit or (newest[-1] if newest else None),
    }


def _compare(html_url: str, ref: str, before: str, after: str) -> str:
    if before == NULL_SHA:
        return f"{html_url}/compare/{ref.removeprefix('refs/heads/').removeprefix('refs/tags/')}"
    return f"{html_url}/compare/{before[:12]}...{after[:12]}"


def ping(repository: Mapping[str, Any], hook: Mapping[str, Any], sender: Person | None = None) -> dict[str, Any]:
    """The body of the `ping` that greets a new hook. `hook` is the hook as the API shows it, its secret masked."""
    base_url = str(repository["html_url"]).removesuffix(f"/{repository['full_name']}")
    return {
        "zen": "Keep it logically awesome.",
        "hook_id": hook["id"],
        "hook": dict(hook),
        "repository": dict(repository),
        "sender": user(base_url, (sender or Person()).login),
    }
