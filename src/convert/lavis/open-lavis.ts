/**
 * Checkpoints as LAVIS saves them: what was trained, in one `.pth`, without what was frozen. The frozen parts come from
 * the public files that LAVIS' loader names: a vision tower beside it, and the folder of a language model.
 */
import { subtree, type FileTree } from '../../pack/bytes.ts'
import { AppError } from '../../pack/failure.ts'
import { isRecord } from '../../pack/json.ts'
import { wrapperPrefix } from '../adapters.ts'
import { openCheckpoint, openTorchCheckpoint, type Checkpoint, type CheckpointFile } from '../checkpoint.ts'
import { INDEX, SINGLE, TORCH_INDEX, TORCH_SINGLE } from '../other-layouts.ts'
import { parseObject, readJson, type Json } from '../side-files.ts'
import { readTokenizer } from '../tokenizer/read-tokenizer.ts'
import { isTorchFile, torchNames } from '../torch/torch-file.ts'
import { composeCheckpoint, type Composition } from './composed.ts'
import { lavisConfig, TOWER_DEPTH, type LanguageConfig } from './config.ts'
import {
  isLavisModel,
  languageName,
  modelName,
  towerKind,
  towerName,
  type LanguageKind,
  type TowerKind,
} from './names.ts'

/** Of LAVIS and what was published with it; the card beside such a file is its language model's. */
export const LAVIS_LICENCE = 'bsd-3-clause'

/** What the rest of the converter goes by, as if it had been a checkpoint of transformers all along. */
export interface LavisCheckpoint {
  configText: string
  checkpoint: Checkpoint
  /** Where tokenizer and card are: the folder of the language model. */
  tree: FileTree
}

/**
 * Undefined where there is no file of LAVIS. Throws `not-found` naming what it leaves out and is not there, and
 * `bad-checkpoint` for a file that is needed and cannot be read.
 */
export async function openLavis(tree: FileTree, signal?: AbortSignal): Promise<LavisCheckpoint | undefined> {
  const paths = (await tree.list?.()) ?? []
  const candidates = paths.filter(isTorchFileName)
  if (candidates.length === 0 || (await isWholeCheckpoint(tree, paths))) return undefined
  const { files, refused } = await openFiles(tree, candidates, signal)
  const model = only(
    files.filter(({ names }) => isLavisModel(names)),
    'checkpoints of LAVIS',
  )
  if (model === undefined) {
    if (refused === undefined || paths.includes('config.json')) return undefined
    throw refused
  }
  const wanted = wantedOf(model)
  const within = towerKind(model.names, true)
  const beside = files.filter((file) => towerWidth(file) === wanted.towerWidth)
  const tower = within === undefined ? only(beside, 'vision encoders') : undefined
  const language = wanted.language && (await findLanguage(tree, paths, wanted.language))
  const kind = within ?? (tower && towerKind(tower.names))
  if (kind === undefined || (wanted.language !== undefined && language === undefined))
    throw (
      refused ?? leftOut(model.path, wanted, { tower: kind === undefined, language: language === undefined })
    )
  return assemble({ tree, paths, model, tower: { kind, file: tower }, language }, signal)
}

/** Whether a file is one that LAVIS saved, by the names in it; false for one that cannot be read. */
export async function isLavisFile(tree: FileTree, path: string): Promise<boolean> {
  const source = await tree.open(path)
  if (source === undefined || !(await isTorchFile(source))) return false
  try {
    const names = [...(await torchNames(source, path))]
    const prefix = wrapperPrefix(names)
    return isLavisModel(new Set(names.map((name) => name.slice(prefix.length))))
  } catch (error) {
    if (error instanceof AppError && error.code === 'bad-checkpoint') return false
    throw error
  }
}

/** Whether there is such a file in the tree, in no folder below. */
export async function hasLavisFile(tree: FileTree): Promise<boolean> {
  for (const path of ((await tree.list?.()) ?? []).filter(isTorchFileName))
    if (await isLavisFile(tree, path)) return true
  return false
}

/** Trainers of transformers leave files of this name beside their checkpoints, too: of the state of their random numbers. */
async function isWholeCheckpoint(tree: FileTree, paths: readonly string[]): Promise<boolean> {
  if (![SINGLE, INDEX, TORCH_SINGLE, TORCH_INDEX].some((path) => paths.includes(path))) return false
  const type = (await readJson(tree, 'config.json'))?.['model_type']
  return type !== 'opt' && type !== 't5'
}

/** As LAVIS names them. */
const TOWER_FILES: Readonly<Record<TowerKind, string>> = {
  eva: 'eva_vit_g.pth',
  clip: 'clip_vit_L.pth',
}

/** Whether a file has the name under which LAVIS looks for a tower. */
export function isTowerFile(path: string): boolean {
  return Object.values(TOWER_FILES).some((name) => name === path)
}

/** Files of LAVIS lie beside each other, in no folder below. */
export function isTorchFileName(path: string): boolean {
  return /^[^/]+\.pth$/i.test(path)
}

interface TorchFile {
  path: string
  checkpoint: Checkpoint
  names: ReadonlySet<string>
}

/** `refused` is why the first that cannot be read is none. */
async function openFiles(
  tree: FileTree,
  paths: readonly string[],
  signal?: AbortSignal,
): Promise<{ files: TorchFile[]; refused: AppError | undefined }> {
  const files: TorchFile[] = []
  let refused: AppError | undefined
  for (const path of paths) {
    const source = await tree.open(path)
    if (source === undefined) continue
    try {
      const checkpoint = await openTorchCheckpoint(source, path, signal)
      files.push({ path, checkpoint, names: new Set(checkpoint.tensors.keys()) })
    } catch (error) {
      if (!(error instanceof AppError && error.code === 'bad-checkpoint')) throw error
      refused ??= error
    }
  }
  return { files, refused }
}

/** Throws `bad-usage` where it is open which is meant. */
function only<T extends { path: string }>(found: readonly T[], what: string): T | undefined {
  const [first, ...others] = found
  if (others.length === 0) return first
  const names = found.map(({ path }) => path).join(', ')
  throw new AppError(
    'bad-usage',
    `Several ${what} lie side by side here, ${names}; keep the one that is meant.`,
  )
}

interface Wanted {
  /** Of the image features that the Q-Former looks at. */
  towerWidth: number
  /** Undefined for a model that compares pictures with texts. */
  language: WantedLanguage | undefined
}

interface WantedLanguage {
  kind: LanguageKind
  /** Width of its embeddings. */
  width: number
}

/** Which frozen parts belong to it: widths tell. */
function wantedOf({ checkpoint: { tensors }, path }: TorchFile): Wanted {
  const key = tensors.get('Qformer.bert.encoder.layer.0.crossattention.self.key.weight')?.shape[1]
  if (key === undefined)
    throw new AppError(
      'bad-checkpoint',
      `${path} is incomplete: its Q-Former looks at nothing; download it again.`,
    )
  const language = (['opt', 't5'] as const).find((kind) => tensors.has(`${kind}_proj.weight`))
  const width = tensors.get(`${String(language)}_proj.weight`)?.shape[0] ?? 0
  return { towerWidth: key, language: language && { kind: language, width } }
}

/** Of a tower in a file of its own; undefined for anything else. */
function towerWidth({ checkpoint: { tensors }, names }: TorchFile): number | undefined {
  const kind = towerKind(names)
  return kind && tensors.get(kind === 'eva' ? 'cls_token' : 'class_embedding')?.shape.at(-1)
}

/** The width of CLIP's ViT-L/14; every other published model has EVA's tower. */
const CLIP_WIDTH = 1024

function towerToFetch({ towerWidth: width }: Wanted): string {
  return TOWER_FILES[width === CLIP_WIDTH ? 'clip' : 'eva']
}

/** What LAVIS' loader fetches for it. */
const LANGUAGE_MODELS: Readonly<Record<LanguageKind, Readonly<Record<number, string>>>> = {
  opt: { 2560: 'facebook/opt-2.7b', 4096: 'facebook/opt-6.7b' },
  t5: { 2048: 'google/flan-t5-xl', 4096: 'google/flan-t5-xxl' },
}

function languageToFetch({ kind, width }: WantedLanguage): string {
  return LANGUAGE_MODELS[kind][width] ?? `the ${kind === 'opt' ? 'OPT' : 'Flan-T5'} of width ${width}`
}

/** `leftOut` says to whoever takes paths one by one that these may be given, too. */
function leftOut(file: string, wanted: Wanted, missing: { tower: boolean; language: boolean }): AppError {
  const parts = missing.tower ? [`its vision encoder (${towerToFetch(wanted)})`] : []
  if (wanted.language !== undefined && missing.language)
    parts.push(`its language model (the folder of ${languageToFetch(wanted.language)})`)
  const them = parts.length > 1 ? 'them' : 'it'
  return new AppError(
    'not-found',
    `${file} leaves out ${parts.join(' and ')}, as LAVIS does with what it did not train; download ${them} into the same folder.`,
    { details: { leftOut: parts.length } },
  )
}

interface Language {
  path: string
  kind: LanguageKind
  json: Json
}

/** The folder of a language model of this kind and width, ending in `/`, or empty for the same folder. */
async function findLanguage(
  tree: FileTree,
  paths: readonly string[],
  { kind, width }: WantedLanguage,
): Promise<Language | undefined> {
  const found: Language[] = []
  for (const config of paths.filter((path) => /(^|\/)config\.json$/.test(path))) {
    const json = await readJson(tree, config)
    const size = json?.[kind === 'opt' ? 'hidden_size' : 'd_model']
    if (json?.['model_type'] === kind && size === width)
      found.push({ path: config.slice(0, -'config.json'.length), kind, json })
  }
  return only(found, 'language models of its kind')
}

interface Parts {
  tree: FileTree
  paths: readonly string[]
  model: TorchFile
  /** Without a file of its own it is in the model's. */
  tower: { kind: TowerKind; file: TorchFile | undefined }
  language: Language | undefined
}

async function assemble(
  { tree, paths, model, tower, language }: Parts,
  signal: AbortSignal | undefined,
): Promise<LavisCheckpoint> {
  const composition: Composition = new Map()
  const whole = language !== undefined && hasWholeLanguage(model.names)
  for (const name of model.names) {
    const own = modelName(name, tower.file === undefined ? tower.kind : undefined)
    // Of a language model that is elsewhere, only other names of tied weights are left, some of them rounded.
    if (own === undefined || (own.startsWith('language_model.') && !whole)) continue
    composition.set(own, { from: model.checkpoint, tensor: name })
  }
  const files: CheckpointFile[] = [...model.checkpoint.files]
  for (const name of tower.file?.names ?? []) {
    const own = towerName(name, tower.kind)
    if (own !== undefined && tower.file) composition.set(own, { from: tower.file.checkpoint, tensor: name })
  }
  files.push(...(tower.file?.checkpoint.files ?? []))
  const side = language === undefined ? textTree(tree, paths) : subtree(tree, language.path)
  if (language !== undefined && !whole)
    files.push(...(await addLanguage(composition, side, language, signal)))
  dropUnusedBlocks(composition, tower.kind)
  joinBiases(composition)
  const checkpoint = composeCheckpoint(composition, files)
  const described = language && { json: language.json, newlineId: await newlineOf(side, language) }
  return {
    configText: JSON.stringify(lavisConfig(checkpoint, tower.kind, described)),
    checkpoint,
    tree: side,
  }
}

/** Whether the language model was trained and saved, too. */
function hasWholeLanguage(names: ReadonlySet<string>): boolean {
  return [...names].some((name) => /^(opt|t5)_model\..*\.(layers|block)\.0\./.test(name))
}

/** Adds its tensors, and gives the files that they are in by their paths from the root. */
async function addLanguage(
  composition: Composition,
  side: FileTree,
  { path, kind }: Language,
  signal: AbortSignal | undefined,
): Promise<CheckpointFile[]> {
  const checkpoint = await openCheckpoint(side, signal)
  for (const name of checkpoint.tensors.keys())
    composition.set(languageName(name, kind), { from: checkpoint, tensor: name })
  return checkpoint.files.map((file) => ({ ...file, path: path + file.path }))
}

/** Takes out blocks beyond those that LAVIS builds. */
export function dropUnusedBlocks(composition: Composition, tower: TowerKind): void {
  for (const name of composition.keys()) {
    const block = /^vision_model\.(?:encoder\.layers|blocks)\.(\d+)\./.exec(name)?.[1]
    if (block !== undefined && Number(block) >= TOWER_DEPTH[tower]) composition.delete(name)
  }
}

/** EVA's attention has biases for queries and values; for keys there is none, which is one of zeros. */
function joinBiases(composition: Composition): void {
  for (const [name, query] of [...composition]) {
    const attention = /^(vision_model\..*\.self_attn)\.q_bias$/.exec(name)?.[1]
    const value = attention === undefined ? undefined : composition.get(`${attention}.v_bias`)
    if (attention === undefined || value === undefined || !('tensor' in query && 'tensor' in value)) continue
    composition.set(`${attention}.qkv.bias`, [query, null, value])
    composition.delete(name)
    composition.delete(`${attention}.v_bias`)
  }
}

/** How byte-level BPE spells a line break, its id in OPT's vocabulary, and the entries of that. */
const NEWLINE = '\u010a'
const PUBLISHED_NEWLINE = 50118
const PUBLISHED_VOCABULARY = 50265

/** The id of a line break, which LAVIS' OPT models end with. */
async function newlineOf(side: FileTree, { kind, json }: Language): Promise<LanguageConfig['newlineId']> {
  if (kind !== 'opt') return undefined
  const { tokenizer } = await readTokenizer(side, json)
  if (tokenizer === undefined)
    return Number(json['vocab_size']) >= PUBLISHED_VOCABULARY ? PUBLISHED_NEWLINE : undefined
  const { model } = parseObject(tokenizer, 'tokenizer.json')
  const vocab = isRecord(model) ? model['vocab'] : undefined
  const id = isRecord(vocab) ? vocab[NEWLINE] : undefined
  return typeof id === 'number' ? id : undefined
}

/** Of a model that compares: the folder with the vocabulary that LAVIS takes from `bert-base-uncased`, or else its own. */
function textTree(tree: FileTree, paths: readonly string[]): FileTree {
  const vocabulary = paths.find((path) => /(^|\/)(vocab\.txt|tokenizer\.json)$/.test(path)) ?? ''
  return subtree(tree, vocabulary.slice(0, vocabulary.lastIndexOf('/') + 1))
}
