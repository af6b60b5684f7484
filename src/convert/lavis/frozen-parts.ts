/** A file of LAVIS, and what it leaves out where a person said that it lies: one tree of files for the converter. */
import type { FileTree } from '../../pack/bytes.ts'
import { isTowerFile } from './open-lavis.ts'

/** A file in its folder. */
export interface FileInTree {
  tree: FileTree
  path: string
}

/** Below this folder of the tree the language model is, wherever it comes from. */
export const LANGUAGE_FOLDER = 'language/'

/** What makes a folder a language model, or the vocabulary of a model that compares: a server cannot list its files. */
const TELLING = ['config.json', 'vocab.txt', 'tokenizer.json']

/** The tree with `tower` and the folder `language` in it, in the place of those that lie there. */
export function withFrozenParts(
  tree: FileTree,
  tower: FileInTree | undefined,
  language: FileTree | undefined,
): FileTree {
  return {
    open: (path) => {
      if (tower?.path === path) return tower.tree.open(path)
      return language !== undefined && path.startsWith(LANGUAGE_FOLDER)
        ? language.open(path.slice(LANGUAGE_FOLDER.length))
        : tree.open(path)
    },
    list: async () => {
      const kept = ((await tree.list?.()) ?? []).filter(
        (path) =>
          path !== tower?.path &&
          !(tower !== undefined && isTowerFile(path)) &&
          !(language !== undefined && (path.includes('/') || path === 'config.json')),
      )
      if (tower !== undefined) kept.push(tower.path)
      if (language !== undefined)
        for (const path of TELLING)
          if ((await language.open(path)) !== undefined) kept.push(LANGUAGE_FOLDER + path)
      return kept
    },
  }
}
