/** Checkpoints of the repository with something changed, in memory: what people have is made by altering what is right. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { treeInMemory, type FileTree } from '../../src/pack/bytes.ts'

/** What belongs to a checkpoint; reference values lie beside some. */
const CHECKPOINT_FILE =
  /^(model[-.].*|(config|(generation|(pre)?processor|tokenizer)_config|tokenizer|special_tokens_map|added_tokens|vocab)\.json|merges\.txt)$/

export type Json = Record<string, unknown>

/** Files of a checkpoint by name, to be changed at will. */
export class Altered {
  readonly files = new Map<string, ArrayBuffer>()

  constructor(folder = 'models/reference/short-tied') {
    for (const name of readdirSync(folder, { withFileTypes: true })) {
      if (!name.isFile() || !CHECKPOINT_FILE.test(name.name)) continue
      this.files.set(name.name, Uint8Array.from(readFileSync(join(folder, name.name))).buffer)
    }
  }

  get tree(): FileTree {
    return treeInMemory(this.files)
  }

  bytes(path: string): ArrayBuffer {
    const bytes = this.files.get(path)
    if (bytes === undefined) throw new Error(`There is no ${path}.`)
    return bytes
  }

  text(path: string): string {
    return new TextDecoder().decode(this.bytes(path))
  }

  write(path: string, content: string | ArrayBuffer): this {
    this.files.set(path, typeof content === 'string' ? new TextEncoder().encode(content).buffer : content)
    return this
  }

  remove(...paths: string[]): this {
    for (const path of paths) this.files.delete(path)
    return this
  }

  rename(path: string, to: string): this {
    return this.write(to, this.bytes(path)).remove(path)
  }

  json(path: string, change: (json: Json) => void): this {
    const json = this.files.has(path) ? (JSON.parse(this.text(path)) as Json) : {}
    change(json)
    return this.write(path, JSON.stringify(json))
  }

  /** Changes the header of a file of weights; lengths of tensors have to stay. */
  header(path: string, change: (entries: Json) => Json): this {
    const bytes = this.bytes(path)
    const length = Number(new DataView(bytes).getBigUint64(0, true))
    const header = JSON.parse(new TextDecoder().decode(bytes.slice(8, 8 + length))) as Json
    const text = new TextEncoder().encode(JSON.stringify(change(header)))
    const file = new Uint8Array(8 + text.length + bytes.byteLength - 8 - length)
    new DataView(file.buffer).setBigUint64(0, BigInt(text.length), true)
    file.set(text, 8)
    file.set(new Uint8Array(bytes, 8 + length), 8 + text.length)
    return this.write(path, file.buffer)
  }

  /** Gives tensors other names. */
  renameTensors(path: string, to: (name: string) => string): this {
    return this.header(path, (entries) =>
      Object.fromEntries(
        Object.entries(entries).map(([name, entry]) => [name === '__metadata__' ? name : to(name), entry]),
      ),
    )
  }
}

/** One key of a JSON file, or of a section of it, set to a value. */
export function setting(section: string | null, key: string, value: unknown): (json: Json) => void {
  return (json) => {
    const target = section === null ? json : ((json[section] ??= {}) as Json)
    target[key] = value
  }
}
