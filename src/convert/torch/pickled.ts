/** What the pickle of a state dict is made of: the names it may ask for, and values of our own that stand for its objects. */
import type { Dtype } from '../safetensors.ts'

/** A run of elements of one storage; shapes as PyTorch counts them. */
export interface PickledTensor {
  readonly storage: Storage
  /** In elements. */
  readonly offset: number
  readonly shape: readonly number[]
  readonly strides: readonly number[]
}

export interface Storage {
  /** Name of the file with its bytes, under `data/`. */
  readonly key: string
  readonly dtype: Dtype
  readonly elements: number
}

/** `torch` classes of storages → what their elements are. */
const STORAGES: ReadonlyMap<string, Dtype> = new Map<string, Dtype>([
  ['FloatStorage', 'F32'],
  ['HalfStorage', 'F16'],
  ['BFloat16Storage', 'BF16'],
  ['DoubleStorage', 'F64'],
  ['LongStorage', 'I64'],
  ['IntStorage', 'I32'],
  ['ShortStorage', 'I16'],
  ['CharStorage', 'I8'],
  ['ByteStorage', 'U8'],
  ['BoolStorage', 'BOOL'],
])

/**
 * What trainers save beside the weights: the command line, a configuration, sizes and devices. Such an object is read
 * past: its class is not known here, nothing is made of it, and it can be neither a tensor nor a part of one.
 */
const READ_PAST: ReadonlySet<string> = new Set([
  'argparse.Namespace',
  'collections.defaultdict',
  'omegaconf.base.ContainerMetadata',
  'omegaconf.base.Metadata',
  'omegaconf.dictconfig.DictConfig',
  'omegaconf.listconfig.ListConfig',
  'omegaconf.nodes.AnyNode',
  'typing.Any',
  'torch.Size',
  'torch.device',
  'torch.float32',
  'torch.float16',
  'torch.bfloat16',
  // Python 2's names of the built-in types, by which protocol 2 knows them.
  ...['dict', 'list', 'tuple', 'set', 'int', 'long', 'float', 'str', 'unicode', 'bool'].map(
    (type) => `__builtin__.${type}`,
  ),
])

type Builder = 'OrderedDict' | 'rebuildTensor' | 'rebuildParameter'

/** What a state dict is built with. */
const BUILDERS: ReadonlyMap<string, Builder> = new Map<string, Builder>([
  ['collections.OrderedDict', 'OrderedDict'],
  ['torch._utils._rebuild_tensor_v2', 'rebuildTensor'],
  ['torch._utils._rebuild_parameter', 'rebuildParameter'],
])

export type Name = { name: Builder | 'readPast' } | { name: 'storage'; dtype: Dtype }

/** Of either kind. */
export class Dictionary {
  readonly entries = new Map<string, Value>()
}

/** What may lie on the stack. Lists and tuples are arrays. */
export type Value =
  | null
  | boolean
  | number
  | string
  | Value[]
  | Dictionary
  | Named
  | StorageValue
  | TensorValue
  | Foreign

/** An object that is read past: it takes entries and attributes, and forgets them. */
export class Foreign {
  readonly foreign = true
}

export class Named {
  readonly named: Name
  constructor(named: Name) {
    this.named = named
  }
}

export class StorageValue {
  readonly storage: Storage
  constructor(storage: Storage) {
    this.storage = storage
  }
}

export class TensorValue {
  readonly tensor: PickledTensor
  constructor(tensor: PickledTensor) {
    this.tensor = tensor
  }
}

/** What a name that stands in a pickle means; undefined for one that is not known. */
export function nameOf(module: string, name: string): Name | undefined {
  const full = `${module}.${name}`
  if (READ_PAST.has(full)) return { name: 'readPast' }
  const builder = BUILDERS.get(full)
  if (builder !== undefined) return { name: builder }
  const dtype = module === 'torch' ? STORAGES.get(name) : undefined
  return dtype === undefined ? undefined : { name: 'storage', dtype }
}
