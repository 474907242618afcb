"""Public names of languages that are read by their grammars."""

import subprocess
import sys
import time

import pytest
from docgen_main.facts.model import Module, Symbol
from docgen_main.facts.outline import OUTLINES, follow

SUFFIXES = {
    "ts": "TypeScript",
    "tsx": "TypeScript",
    "js": "JavaScript",
    "go": "Go",
    "java": "Java",
    "rs": "Rust",
}


def read(path: str, text: str) -> Module:
    module = OUTLINES[SUFFIXES[path.rsplit(".", 1)[-1]]](path, text, False)
    assert module is not None
    return module


def signatures(module: Module) -> dict[str, str]:
    return {symbol.name: symbol.signature for symbol in module.symbols}


def members(module: Module, name: str) -> list[tuple[str, str]]:
    (symbol,) = [symbol for symbol in module.symbols if symbol.name == name]
    return [(member.kind, member.signature) for member in symbol.members]


def one(module: Module, name: str) -> Symbol:
    (symbol,) = [symbol for symbol in module.symbols if symbol.name == name]
    return symbol


def test_every_way_to_export_from_an_ecmascript_module_is_known() -> None:
    module = read(
        "src/a.ts",
        """
import Thing, {part as piece} from "./thing"
import * as all from "./all"
const local = 1, arrow = async (a: string, b = 2): Promise<number> => b
function helper(this: Thing, /* a comment */ x: number): void {}
export {local as renamed, helper, piece, Thing, all}
export const {left, right: other} = arrow
export type Pair<A, B> = [A, B]
export enum Level { Low = 1, High }
export default local
export * from "./star"
export * as named from "./star"
export type {Given} from "./given"
export namespace Deep { export const inner = 1; const hidden = 2 }
function notExported() {}
""",
    )
    assert signatures(module) == {
        "renamed": "const local",
        "helper": "function helper(this: Thing, x: number): void",
        "piece": 'export { part as piece } from "./thing"',
        "Thing": 'export { default as Thing } from "./thing"',
        "all": 'export * as all from "./all"',
        "left": "const left",
        "other": "const other",
        "Pair": "type Pair<A, B> = [A, B]",
        "Level": "enum Level",
        "default": "const local",
        '* from "./star"': 'export * from "./star"',
        "named": 'export * as named from "./star"',
        "Given": 'export { Given } from "./given"',
        "Deep": "namespace Deep",
    }
    assert members(module, "Level") == [("member", "Low"), ("member", "High")]
    assert members(module, "Deep") == [("constant", "const inner")]
    assert module.imports == ("src/all", "src/given", "src/star", "src/thing")


def test_every_way_to_export_from_a_commonjs_module_is_known() -> None:
    module = read(
        "lib/index.js",
        """#!/usr/bin/env node
const other = require('./other')
/** Adds. */
function add(a, b) { return a + b }
exports.subtract = function (a, b) { return a - b }
module.exports.half = x => x / 2
module.exports = exports = { add, other, twice(x) { return add(x, x) }, "not-a-name": 1, ...other }
// module.exports.commented = 1
const text = `module.exports.inText = require("./no")`
""",
    )
    assert signatures(module) == {
        "subtract": "exports.subtract = function (a, b)",
        "half": "module.exports.half = x => …",
        "add": "function add(a, b)",
        "other": "const other",
        "twice": "twice(x)",
    }
    assert one(module, "add").doc == "Adds."
    assert module.imports == ("lib/other",)
    assert module.runs


def test_members_of_classes_and_interfaces_are_those_that_others_may_use() -> None:
    module = read(
        "a.ts",
        """
export abstract class Box<T> extends Base<T> implements Holder {
  static readonly count: number = 0
  private secret = 1
  protected inner = 1
  #hidden = 1
  _internal = 1
  handler = (event: Event): void => {}
  /** Makes a box. */
  constructor(readonly label: string, private size = 2) { super() }
  get full(): boolean { return true }
  set full(value: boolean) {}
  put(item: T): void
  put(item: T, at: number): void
  put(item: unknown, at?: unknown): void {}
  abstract take(): T
  /** @internal */
  forTests(): void {}
}
export interface Options { readonly depth?: number; log(text: string): void; [key: string]: unknown }
""",
    )
    assert one(module, "Box").signature == "abstract class Box<T> extends Base<T> implements Holder"
    assert members(module, "Box") == [
        ("property", "static readonly count: number"),
        ("property", "handler = (event: Event): void => …"),
        ("property", "readonly label: string"),
        ("method", "constructor(readonly label: string, private size = 2)"),
        ("method", "get full(): boolean"),
        ("method", "put(item: T): void\nput(item: T, at: number): void"),
        ("method", "abstract take(): T"),
    ]
    assert members(module, "Options") == [
        ("property", "readonly depth?: number"),
        ("method", "log(text: string): void"),
    ]


def test_a_comment_above_one_line_is_about_the_first_thing_on_it() -> None:
    module = read(
        "src/a.ts",
        """
/** A color. */
export interface Color { red: number; green: number }
export interface Size {
  /** In pixels. */
  width: number; height: number
}
""",
    )
    docs = {member.name: member.doc for symbol in module.symbols for member in symbol.members}
    assert docs == {"red": "", "green": "", "width": "In pixels.", "height": ""}
    assert one(module, "Color").doc == "A color."


def test_declaration_files_and_overloads_are_read() -> None:
    module = read(
        "index.d.ts",
        """
export declare function open(path: string): File;
export declare function open(path: URL): File;
export declare const version: string;
declare class Hidden {}
declare class Shown { close(): void }
export = Shown;
""",
    )
    assert signatures(module) == {
        "open": "function open(path: string): File\nfunction open(path: URL): File",
        "version": "const version: string",
        "Shown": "export default class Shown",
    }


def test_names_handed_on_are_followed_through_files_and_circles() -> None:
    files = {
        "src/index.ts": 'export * from "./a.js"\nexport { default as Main } from "./b"\n'
        'export * from "zod"\n',
        "src/a.ts": 'export const first = 1\nexport * from "./b"\nexport * from "./index"\n',
        "src/b/index.ts": "export default class Inner {}\nexport function second() {}\n",
    }
    index = next(
        m for m in follow(read(path, text) for path, text in files.items()) if m.path == "src/index.ts"
    )
    assert {symbol.name: symbol.origin for symbol in index.symbols} == {
        "first": "src/a.ts#first",
        "second": "src/b/index.ts#second",
        "Main": "src/b/index.ts#default",
        '* from "zod"': "zod#*",
    }


def test_the_words_of_jsdoc_become_plain_text() -> None:
    module = read(
        "a.js",
        """
/**
 * Opens {@link File a file}.<p>Use <code>close</code> after.
 * @param {string} path
 * @deprecated since 2.0
 */
export function open(path) {}

/** Not for others. @private */
export function forUs() {}
""",
    )
    assert [symbol.name for symbol in module.symbols] == ["open"]
    assert one(module, "open").doc == "Opens `File a file`.\n\nUse `close` after.\n\nDeprecated: since 2.0"


def test_go_names_have_their_fields_methods_and_generic_receivers() -> None:
    module = read(
        "store/store.go",
        """// Package store keeps things.
package store

import alias "example.org/codec"

// Limits bound a store.
type Limits struct {
	Bytes, Files int64 // both
	hidden int
}

type Reader interface {
	Read(p []byte) (n int, err error)
}

type (
	// Names of things.
	Names []string
	lower int
)

const (
	A = iota
	// B is second.
	B
	c
)

var Default, other = 1, 2

// Get gets.
func (s *Store[T]) Get(
	name string, // which
) (T, error) { return nil }
func (h hidden) Open() {}
func New[T any](limits Limits) *Store[T] { return nil }
""",
    )
    assert signatures(module) == {
        "Limits": "type Limits struct",
        "Reader": "type Reader interface",
        "Names": "type Names []string",
        "A": "const A",
        "B": "const B",
        "Default": "var Default",
        "Store.Get": "func (s *Store[T]) Get(name string) (T, error)",
        "New": "func New[T any](limits Limits) *Store[T]",
    }
    assert members(module, "Limits") == [("field", "Bytes int64"), ("field", "Files int64")]
    assert members(module, "Reader") == [("method", "Read(p []byte) (n int, err error)")]
    assert one(module, "B").doc == "B is second."
    assert module.doc == "Package store keeps things."
    assert module.imports == ("example.org/codec",)


def test_java_types_have_what_users_and_subclasses_may_call() -> None:
    module = read(
        "src/main/java/org/acme/Box.java",
        """package org.acme;
import java.util.List;
import static org.acme.Codec.encode;

/** Holds {@code T}. */
@Deprecated
public final class Box<T> extends Base implements AutoCloseable {
    public static final int LOW = 1, HIGH = 2;
    protected String name;
    int packageOnly;
    @Inject public Box(@NonNull String name) throws IOException { }
    @Override
    public <R> R map(Function<T, R> how) { return null; }
    private void hidden() {}
    public enum Level { LOW, HIGH(2); public int value() { return 1; } }
    public interface Visitor { void visit(int depth); int DEPTH = 3; }
    static class Inner { public void no() {} }
}
class Other {}
""",
    )
    assert signatures(module) == {
        "Box": "public final class Box<T> extends Base implements AutoCloseable",
        "Box.Level": "public enum Level",
        "Box.Visitor": "public interface Visitor",
    }
    assert members(module, "Box") == [
        ("field", "public static final int LOW"),
        ("field", "public static final int LOW = 1, HIGH"),
        ("field", "protected String name"),
        ("constructor", "public Box(@NonNull String name) throws IOException"),
        ("method", "public <R> R map(Function<T, R> how)"),
    ]
    assert members(module, "Box.Level") == [
        ("constant", "LOW"), ("constant", "HIGH"), ("method", "public int value()"),
    ]  # fmt: skip
    assert members(module, "Box.Visitor") == [("method", "void visit(int depth)"), ("field", "int DEPTH")]
    assert one(module, "Box").doc == "Holds `T`."
    assert (module.name, module.imports) == ("org.acme", ("java.util", "org.acme.Codec"))


def test_rust_items_have_their_methods_fields_and_uses() -> None:
    module = read(
        "src/lib.rs",
        """//! Keeps things.
pub use crate::inner::{Deep as Shallow, Other};
pub(crate) fn internal() {}
/// A box.
#[derive(Debug)]
pub struct Box<T> { pub name: String, hidden: T }
impl<T> Box<T> {
    pub const SIZE: usize = 3;
    pub async fn open<'a>(&'a self) -> Result<T, Error> where T: Clone { todo!() }
    fn private(&self) {}
}
impl Display for Box<u8> { fn fmt(&self) {} }
pub enum Level { Low, High(u8) }
pub trait Visit: Send { fn visit(&self); fn done() {} }
pub mod deep { pub fn inner() {} fn hidden() {} }
#[macro_export]
macro_rules! shout { () => {} }
#[cfg(test)]
mod tests { pub fn no() {} }
""",
    )
    assert signatures(module) == {
        "Shallow": "pub use crate::inner::Deep as Shallow",
        "Other": "pub use crate::inner::Other",
        "Box": "pub struct Box<T>",
        "Level": "pub enum Level",
        "Visit": "pub trait Visit: Send",
        "deep": "pub mod deep",
        "deep::inner": "pub fn inner()",
        "shout!": "macro_rules! shout",
    }
    assert members(module, "Box") == [
        ("field", "pub name: String"),
        ("constant", "pub const SIZE: usize"),
        ("function", "pub async fn open<'a>(&'a self) -> Result<T, Error> where T: Clone"),
    ]
    assert members(module, "Level") == [("variant", "Low"), ("variant", "High(u8)")]
    assert members(module, "Visit") == [("function", "fn visit(&self)"), ("function", "fn done()")]
    assert one(module, "Box").doc == "A box."
    assert module.imports == ("crate::inner",)


@pytest.mark.parametrize("suffix", ["ts", "js", "go", "java", "rs"])
@pytest.mark.parametrize("piece", ["fn f(", "'", "a<", "if("])
def test_a_file_made_to_keep_the_parser_busy_is_given_up_soon(suffix: str, piece: str) -> None:
    begun = time.thread_time()
    OUTLINES[SUFFIXES[suffix]](f"a.{suffix}", piece * (250_000 // len(piece)), False)
    assert time.thread_time() - begun < 5


def test_a_file_that_is_too_big_is_not_read() -> None:
    assert OUTLINES["TypeScript"]("a.ts", "export const a = 1\n" * 20_000, False) is None


def test_no_grammar_is_loaded_before_a_file_needs_it() -> None:
    script = (
        "import sys, docgen_main.facts; print(sorted(n for n in sys.modules if n.startswith('tree_sitter')))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": ":".join(sys.path)},
    )
    assert done.stdout.strip() == "[]"
