/** What source files say of themselves, as a compiler reads them: whom they import, their comments, and the code between. */
import { readdirSync, readFileSync } from 'node:fs'
import { posix } from 'node:path'
import { parseSync } from 'vite'

export interface Import {
  /** As it is written. */
  specifier: string
  /** The file that is meant, relative to the root; a package as it is written. */
  target: string
  /** Nothing of it is left when the code runs. */
  typesOnly: boolean
}

export interface Source {
  /** Relative to the root, with `/` between folders. */
  path: string
  imports: Import[]
  comments: { type: 'Line' | 'Block'; value: string }[]
  /** The text with blanks where comments were. */
  code: string
}

/** A file that `specifier` means in a file of `folder`; Vite adds what is behind `?` and takes `/` for the root. */
function targetOf(specifier: string, folder: string): string {
  const path = specifier.replace(/\?.*$/, '')
  if (path.startsWith('/')) return posix.normalize(path.slice(1))
  return path.startsWith('.') ? posix.join(folder, path) : specifier
}

/** @throws Error for text that does not parse */
export function readSource(path: string, text: string): Source {
  const { module, comments, errors } = parseSync(path, text)
  if (errors[0] !== undefined) throw new Error(`${path}: ${errors[0].message}`)
  const imports: Import[] = []
  const add = (specifier: string, typesOnly: boolean): void => {
    imports.push({ specifier, typesOnly, target: targetOf(specifier, posix.dirname(path)) })
  }
  for (const { moduleRequest, entries } of module.staticImports) {
    add(moduleRequest.value, entries.length > 0 && entries.every(({ isType }) => isType))
  }
  for (const { entries } of module.staticExports) {
    for (const { moduleRequest, isType } of entries) if (moduleRequest) add(moduleRequest.value, isType)
  }
  for (const { moduleRequest } of module.dynamicImports) {
    const literal = /^(['"`])(.*)\1$/su.exec(text.slice(moduleRequest.start, moduleRequest.end))
    if (literal?.[2] !== undefined) add(literal[2], false)
  }
  const code = comments.reduce(
    (rest, { start, end }) => rest.slice(0, start) + ' '.repeat(end - start) + rest.slice(end),
    text,
  )
  return { path, imports, comments, code }
}

/** Every file of TypeScript below `folders`, but what is generated. */
export function readSources(folders: readonly string[]): Source[] {
  return folders.flatMap((folder) =>
    readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .map((name) => posix.join(folder, name.replaceAll('\\', '/')))
      .filter((path) => /\.tsx?$/.test(path) && !path.startsWith('src/convert/onnx/gen/'))
      .map((path) => readSource(path, readFileSync(path, 'utf8'))),
  )
}
