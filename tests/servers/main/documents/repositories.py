"""Repositories that documents are made of: this one, a TypeScript one, a Go one."""

import shutil
import subprocess
from pathlib import Path

from dulwich.repo import Repo

from tests.servers.main.conftest import write_files

HERE = Path(__file__).parents[4]


def copy_of_this_repository(target: Path) -> Path:
    """The tracked files of this repository as they are on the disk, with its history."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=HERE, capture_output=True, check=True).stdout
    for name in listed.decode().split("\0"):
        if name and (HERE / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(HERE / name, target / name)
    subprocess.run(["git", "clone", "-q", "--bare", str(HERE), str(target / ".git")], check=True)
    return target


def commit(root: Path, message: str, *, tag: str = "", at: int = 1_700_000_000) -> bytes:
    """Commit everything below `root`, with dulwich, at second `at`."""
    repo = Repo(str(root)) if (root / ".git").exists() else Repo.init(str(root), default_branch=b"main")
    with repo:
        worktree = repo.get_worktree()
        paths = [str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()]
        worktree.stage([path for path in paths if not path.startswith(".git/")])
        who = b"Ada Example <ada@example.org>"
        made = worktree.commit(
            message.encode(), committer=who, author=who, commit_timestamp=at, author_timestamp=at,
            commit_timezone=0, author_timezone=0,
        )  # fmt: skip
        if tag:
            repo.refs[b"refs/tags/" + tag.encode()] = made
        return bytes(made)


PACKAGE = """{
  "name": "@acme/ledger", "version": "1.2.0", "description": "Double-entry bookkeeping for small shops.",
  "license": "MIT", "type": "module", "engines": {"node": ">=20"},
  "bin": {"ledger": "src/cli.ts"},
  "scripts": {"build": "tsc -p .", "test": "vitest run", "lint": "eslint src | tee lint.log"},
  "dependencies": {"decimal.js": "^10.4.0", "zod": "^3.23.0"}, "devDependencies": {"vitest": "^2.0.0"}
}
"""
ACCOUNT = """import { Decimal } from "decimal.js";
import { parseAmount } from "../money/amount.js";

/** A named place where money is. */
export class Account {
  constructor(readonly name: string) {}
}

// export function commentedOut() {}
const text = `
export function insideTemplate() {}
`;

/** Adds up what `accounts` hold. Use `parseAmount` first. */
export function total(
  accounts: Account[],
  currency: string = "EUR",
): Decimal {
  return parseAmount(text);
}

function hidden() {}
export type Side = "debit" | "credit";
"""
AMOUNT = """import { z } from "zod";

/** Reads an amount like `12.50`. */
export async function parseAmount(text: string): Promise<number> { return Number(text); }
export const ZERO = 0;
const inner = 1;
export { inner as startingValue };
"""


def typescript_repository(root: Path) -> Path:
    """A small TypeScript package with scripts, tests and conventional commits, two of them tagged."""
    write_files(
        root,
        {
            "package.json": PACKAGE,
            "package-lock.json": "{}",
            "README.md": "# Ledger\n\nBooks for shops.\n",
            "LICENSE": "Permission is hereby granted, free of charge, … THE SOFTWARE IS PROVIDED …",
            ".gitignore": "dist/\n*.log\n!keep.log\n",
            "src/accounts/account.ts": ACCOUNT,
            "src/money/amount.ts": AMOUNT,
        },
    )
    commit(root, "feat(accounts): add accounts", tag="v1.0.0", at=1_700_000_000)
    write_files(
        root,
        {
            "src/cli.ts": "#!/usr/bin/env node\n"
            'import { total } from "./accounts/account.js";\n\nconsole.log(total);\n',
            "tests/account.test.ts": 'import { total } from "../src/accounts/account";\n'
            "export function fake() {}\n",
        },
    )
    commit(root, "feat!: print totals on the command line\n\nBREAKING CHANGE: none really", at=1_700_100_000)
    write_files(root, {"docs/odd `name` | {{7*7}}.md": "x"})
    commit(root, "fix: round half even | not `up`", tag="v1.1.0", at=1_700_200_000)
    write_files(root, {"dist/bundle.js": "export function ignored() {}", "keep.log": "x", "other.log": "x"})
    commit(root, "docs: explain {{7*7}} and <b>rounding</b>", at=1_700_300_000)
    return root


GO_STORE = """// Package store keeps parcels on disk.
package store

import (
	"errors"
	"os"

	"example.org/parcel/internal/codec"
)

// ErrFull is returned when there is no room.
var ErrFull = errors.New("full")

// Limits bound a store.
type Limits struct {
	Bytes int64
}

// Open opens the store in directory dir.
func Open(dir string, limits Limits) (*Store, error) {
	return nil, codec.Check(os.Stdout)
}

// Store is a directory of parcels.
type Store struct{}

// Put keeps one parcel.
func (s *Store) Put(name string, body []byte) error { return nil }

func (s *Store) hidden() {}

const (
	// Version of the format.
	Version = 3
	lower   = 1
)
"""


def go_repository(root: Path) -> Path:
    """A small Go module with a program, an internal package and tests; no conventional commits."""
    write_files(
        root,
        {
            "go.mod": "module example.org/parcel\n\ngo 1.22\n\nrequire (\n\tgolang.org/x/sync v0.7.0\n)\n",
            "Makefile": ".PHONY: test lint\ntest: ## Run the tests\n\tgo test ./...\n"
            "lint:\n\tgo vet ./...\nhidden: x\n",
            "store/store.go": GO_STORE,
            "store/store_test.go": "package store\n\nfunc TestOpen() {}\n",
            "internal/codec/codec.go": 'package codec\n\nimport "io"\n\n// Check writes.\n'
            "func Check(w io.Writer) error { return nil }\n",
            "cmd/parcel/main.go": "// Parcel sends parcels.\npackage main\n\n"
            'import "example.org/parcel/store"\n\nfunc main() { store.Open("", store.Limits{}) }\n',
        },
    )
    commit(root, "Keep parcels", tag="release-1", at=1_700_000_000)
    write_files(root, {"scripts/pack.sh": "#!/bin/sh\n# Packs everything.\necho\n"})
    commit(root, "Pack them", at=1_700_100_000)
    return root
