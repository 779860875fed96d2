"""Event bodies follow GitHub's published shapes."""

from __future__ import annotations

from slipway.demo.forge import payloads
from slipway.demo.forge.bare import updates
from slipway.demo.forge.payloads import MAX_COMMITS, NULL_SHA

BASE = "https://github.example"
OLD, NEW = "a" * 40, "b" * 40

# octokit/webhooks, payload-schemas/api.github.com: `required` of push/event, common/commit and common/repository
PUSH_FIELDS = {
    *("ref", "before", "after", "created", "deleted", "forced", "base_ref", "compare", "commits", "head_commit"),
    *("repository", "pusher", "sender"),
}
COMMIT_FIELDS = {
    *("id", "tree_id", "distinct", "message", "timestamp", "url", "author", "committer"),
    *("added", "modified", "removed"),
}
REPOSITORY_FIELDS = {
    *("id", "node_id", "name", "full_name", "private", "owner", "html_url", "description", "fork", "url"),
    *("forks_url", "keys_url", "collaborators_url", "teams_url", "hooks_url", "issue_events_url", "events_url"),
    *("assignees_url", "branches_url", "tags_url", "blobs_url", "git_tags_url", "git_refs_url", "trees_url"),
    *("statuses_url", "languages_url", "stargazers_url", "contributors_url", "subscribers_url", "subscription_url"),
    *("commits_url", "git_commits_url", "comments_url", "issue_comment_url", "contents_url", "compare_url"),
    *("merges_url", "archive_url", "downloads_url", "issues_url", "pulls_url", "milestones_url"),
    *("notifications_url", "labels_url", "releases_url", "deployments_url", "created_at", "updated_at", "pushed_at"),
    *("git_url", "ssh_url", "clone_url", "svn_url", "homepage", "size", "stargazers_count", "watchers_count"),
    *("language", "has_issues", "has_projects", "has_downloads", "has_wiki", "has_pages", "forks_count"),
    *("mirror_url", "archived", "open_issues_count", "license", "forks", "open_issues", "watchers"),
    *("default_branch", "is_template"),
}
REPOSITORY_EXTRAS = {
    *("disabled", "stargazers", "allow_forking", "visibility", "master_branch", "permissions", "public"),
    *("organization", "allow_squash_merge", "allow_merge_commit", "allow_rebase_merge", "allow_auto_merge"),
    "delete_branch_on_merge",
}


def a_push(**changes: object) -> dict[str, object]:
    facts = {"ref": "refs/heads/main", "before": OLD, "after": NEW, "commits": [payloads.commit(NEW)]} | changes
    return payloads.push(payloads.repository(BASE, "acme/hello"), **facts)  # type: ignore[arg-type]


def test_a_push_has_exactly_the_published_fields() -> None:
    assert set(a_push()) == PUSH_FIELDS


def test_a_commit_has_exactly_the_published_fields() -> None:
    assert set(payloads.commit(NEW)) == COMMIT_FIELDS


def test_a_repository_has_the_required_fields_and_no_unknown_one() -> None:
    fields = set(payloads.repository(BASE, "acme/hello"))

    assert REPOSITORY_FIELDS - fields == set()
    assert fields - REPOSITORY_FIELDS - REPOSITORY_EXTRAS == set()


def test_the_repository_is_named_and_addressed_below_the_forge() -> None:
    repository = payloads.repository(BASE, "acme/hello")

    assert (repository["name"], repository["owner"]["login"]) == ("hello", "acme")
    assert repository["clone_url"] == "https://github.example/acme/hello.git"
    assert repository["ssh_url"] == "git@github.example:acme/hello.git"


def test_an_update_is_neither_created_nor_deleted() -> None:
    push = a_push()

    assert (push["created"], push["deleted"]) == (False, False)
    assert push["compare"] == f"{BASE}/acme/hello/compare/{OLD[:12]}...{NEW[:12]}"
    assert push["head_commit"] == payloads.commit(NEW)


def test_the_null_sha_before_tells_a_new_branch() -> None:
    push = a_push(before=NULL_SHA, ref="refs/heads/feature/x")

    assert push["created"]
    assert push["compare"] == f"{BASE}/acme/hello/compare/feature/x"


def test_the_null_sha_after_tells_a_deletion_without_a_head() -> None:
    push = a_push(after=NULL_SHA, commits=[])

    assert push["deleted"]
    assert push["head_commit"] is None


def test_a_long_list_of_commits_is_cut_to_the_newest() -> None:
    push = a_push(commits=[payloads.commit(f"{number:040x}") for number in range(MAX_COMMITS + 2)])

    kept = push["commits"]
    assert isinstance(kept, list)
    assert len(kept) == MAX_COMMITS
    assert kept[-1]["id"] == f"{MAX_COMMITS + 1:040x}"


def test_ref_updates_tell_new_changed_and_deleted_refs_only() -> None:
    before = {"refs/heads/main": OLD, "refs/heads/gone": OLD, "refs/heads/same": OLD}
    after = {"refs/heads/main": NEW, "refs/heads/same": OLD, "refs/tags/v1": NEW}

    assert [(u.ref, u.before, u.after) for u in updates(before, after)] == [
        ("refs/heads/gone", OLD, NULL_SHA),
        ("refs/heads/main", OLD, NEW),
        ("refs/tags/v1", NULL_SHA, NEW),
    ]
