/**
 * Reads the pickle of a PyTorch state dict. A pickle is a program: what is here runs the few instructions that
 * `torch.save` writes for dictionaries of tensors (protocol 2), builds plain values of its own and knows a handful of
 * names. Nothing is ever called or looked up by a name that stands in the file; whatever else is in it is refused.
 */
import { AppError } from '../../pack/failure.ts'
import {
  Dictionary,
  Foreign,
  Named,
  nameOf,
  StorageValue,
  TensorValue,
  type PickledTensor,
  type Value,
} from './pickled.ts'

/** BLIP-2 has some 1200 tensors of a dozen values each; optimiser states a few times that. */
const MOST_VALUES = 2_000_000
const DEEPEST_STACK = 100_000
const LONGEST_TEXT = 65_536

/**
 * The tensors of a state dict by name: of the dictionary itself, or of the one under its key `model` or `state_dict`.
 * `file` is the name that a message gives. Throws `bad-checkpoint` for whatever is not such a pickle.
 */
export function unpickleStateDict(bytes: Uint8Array, file: string): Map<string, PickledTensor> {
  const root = new Machine(bytes, file).run()
  if (!(root instanceof Dictionary)) throw refusal(file, 'it holds no dictionary')
  const inner = root.entries.get('model') ?? root.entries.get('state_dict')
  const { entries } = inner instanceof Dictionary ? inner : root
  const tensors = new Map<string, PickledTensor>()
  for (const [name, value] of entries) if (value instanceof TensorValue) tensors.set(name, value.tensor)
  if (tensors.size === 0) throw refusal(file, 'there are no tensors in it')
  return tensors
}

class Machine {
  readonly #bytes: Uint8Array
  readonly #view: DataView
  readonly #file: string
  readonly #stack: Value[] = []
  /** Heights of the stack at each mark that is open. */
  readonly #marks: number[] = []
  readonly #memo = new Map<number, Value>()
  #at = 0
  #values = 0

  constructor(bytes: Uint8Array, file: string) {
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.#file = file
  }

  run(): Value {
    if (this.#byte() !== 0x80 || this.#byte() !== 2) throw this.#bad('its pickle is not of protocol 2')
    for (;;) {
      const code = this.#byte()
      if (code === OP.stop) break
      const value = this.#step(code)
      if (value !== undefined) this.#push(value)
    }
    const result = this.#pop()
    if (this.#stack.length > 0 || this.#marks.length > 0) throw this.#bad('its pickle ends too early')
    return result
  }

  /** Carries out one instruction: what it yields is pushed, undefined is nothing. */
  #step(code: number): Value | undefined {
    const simple = SIMPLE.get(code)
    if (simple !== undefined) return simple()
    switch (code) {
      case OP.byte:
        return this.#byte()
      case OP.short:
        return this.#number(2, () => this.#view.getUint16(this.#at, true))
      case OP.int:
        return this.#number(4, () => this.#view.getInt32(this.#at, true))
      case OP.long:
        return this.#long()
      case OP.float:
        return this.#number(8, () => this.#view.getFloat64(this.#at, false))
      case OP.text:
        return this.#text(this.#size())
      case OP.put:
      case OP.longPut:
        this.#memo.set(code === OP.put ? this.#byte() : this.#size(), this.#top())
        return undefined
      case OP.get:
        return this.#recall(this.#byte())
      case OP.longGet:
        return this.#recall(this.#size())
      case OP.global:
        return this.#named(this.#line(), this.#line())
      default:
        return this.#build(code)
    }
  }

  /** Instructions that make something of what lies on the stack. */
  #build(code: number): Value | undefined {
    switch (code) {
      case OP.mark:
        if (this.#marks.push(this.#stack.length) > DEEPEST_STACK) throw this.#bad('its pickle is too deep')
        return undefined
      case OP.tuple:
        return this.#toMark()
      case OP.tuple1:
      case OP.tuple2:
      case OP.tuple3:
        return this.#take(code - OP.tuple1 + 1)
      case OP.append:
      case OP.appends:
        this.#append(code === OP.append ? this.#take(1) : this.#toMark())
        return undefined
      case OP.setItem:
      case OP.setItems:
        this.#set(code === OP.setItem ? this.#take(2) : this.#toMark())
        return undefined
      case OP.persistentId:
        return this.#storage(this.#pop())
      case OP.reduce:
        return this.#reduce(this.#take(2))
      case OP.newObject:
        return this.#foreign(this.#take(2)[0])
      case OP.build: {
        // Attributes (`_metadata` of an ordered dictionary): read past, never set.
        const [target] = this.#take(2)
        if (target instanceof Dictionary || target instanceof Foreign) return target
        throw this.#bad('its pickle sets attributes')
      }
      default:
        throw this.#bad(`its pickle has the instruction 0x${code.toString(16)}, which no state dict needs`)
    }
  }

  #named(module: string, name: string): Named {
    const known = nameOf(module, name)
    if (known !== undefined) return new Named(known)
    const shown = JSON.stringify(`${module}.${name}`.slice(0, 80))
    throw this.#bad(`its pickle asks for ${shown}, which no state dict needs`)
  }

  /** `('storage', class, key, device, elements)`. */
  #storage(id: Value): StorageValue {
    const [tag, named, key, , elements] = Array.isArray(id) ? id : []
    const dtype = named instanceof Named && named.named.name === 'storage' ? named.named.dtype : undefined
    const fine = tag === 'storage' && typeof key === 'string' && /^\d{1,9}$/.test(key) && isCount(elements)
    if (dtype === undefined || !fine) throw this.#bad('a storage in it is none')
    return new StorageValue({ key, dtype, elements })
  }

  #reduce([callee, args]: Value[]): Value {
    if (!(callee instanceof Named) || !Array.isArray(args))
      throw this.#bad('its pickle calls what is no name')
    if (callee.named.name === 'OrderedDict' && args.length === 0) return new Dictionary()
    if (callee.named.name === 'rebuildTensor') return this.#tensor(args)
    // `(tensor, requires_grad, hooks)`.
    if (callee.named.name === 'rebuildParameter' && args[0] instanceof TensorValue) return args[0]
    return this.#foreign(callee)
  }

  #foreign(callee: Value | undefined): Foreign {
    if (callee instanceof Named && callee.named.name === 'readPast') return new Foreign()
    throw this.#bad('its pickle calls a name in an unknown way')
  }

  /** `(storage, offset, shape, strides, requires_grad, hooks)`. */
  #tensor([storage, offset, shape, strides]: Value[]): TensorValue {
    const fine = storage instanceof StorageValue && isCount(offset) && isCounts(shape) && isCounts(strides)
    if (!fine || shape.length !== strides.length) throw this.#bad('a tensor in it is none')
    return new TensorValue({ storage: storage.storage, offset, shape, strides })
  }

  #set(items: Value[]): void {
    const target = this.#top()
    if (target instanceof Foreign) return
    if (!(target instanceof Dictionary) || items.length % 2 !== 0)
      throw this.#bad('its dictionaries are damaged')
    for (let i = 0; i < items.length; i += 2) {
      const [key, value] = [items[i], items[i + 1]]
      // Optimisers number their parameters; only names can be those of tensors.
      if (typeof key !== 'string' && typeof key !== 'number') throw this.#bad('a key in it is no name')
      if (value !== undefined) target.entries.set(String(key), value)
    }
  }

  #append(items: Value[]): void {
    const target = this.#top()
    if (target instanceof Foreign) return
    if (!Array.isArray(target)) throw this.#bad('its lists are damaged')
    for (const item of items) target.push(item)
  }

  #push(value: Value): void {
    this.#values += 1
    if (this.#values > MOST_VALUES || this.#stack.length > DEEPEST_STACK)
      throw this.#bad('its pickle is too long')
    this.#stack.push(value)
  }

  #top(): Value {
    const value = this.#stack.at(-1)
    if (value === undefined || this.#stack.length <= (this.#marks.at(-1) ?? 0))
      throw this.#bad('its pickle is damaged')
    return value
  }

  #pop(): Value {
    const value = this.#top()
    this.#stack.pop()
    return value
  }

  #take(count: number): Value[] {
    const taken = Array.from({ length: count }, () => this.#pop())
    return taken.reverse()
  }

  #toMark(): Value[] {
    const mark = this.#marks.pop()
    if (mark === undefined) throw this.#bad('its pickle is damaged')
    return this.#stack.splice(mark)
  }

  #recall(index: number): Value {
    const value = this.#memo.get(index)
    if (value === undefined) throw this.#bad('its pickle is damaged')
    return value
  }

  #byte(): number {
    return this.#number(1, () => this.#view.getUint8(this.#at))
  }

  #size(): number {
    return this.#number(4, () => this.#view.getUint32(this.#at, true))
  }

  #number(width: number, read: () => number): number {
    if (this.#at + width > this.#bytes.length) throw this.#bad('its pickle is cut off')
    const value = read()
    this.#at += width
    return value
  }

  #long(): number {
    const width = this.#byte()
    if (width > 7) throw this.#bad('a number in it is too large')
    let value = 0
    let weight = 1
    for (let i = 0; i < width; i += 1, weight *= 256) value += this.#byte() * weight
    return value >= weight / 2 && width > 0 ? value - weight : value
  }

  #text(length: number): string {
    if (length > LONGEST_TEXT || this.#at + length > this.#bytes.length)
      throw this.#bad('a text in it is too long')
    this.#at += length
    return new TextDecoder().decode(this.#bytes.subarray(this.#at - length, this.#at))
  }

  /** Up to the line's end, which is left out. */
  #line(): string {
    const end = this.#bytes.indexOf(10, this.#at)
    const text = this.#text(Math.max(0, (end < 0 ? this.#bytes.length : end) - this.#at))
    this.#byte()
    return text
  }

  #bad(why: string): AppError {
    return refusal(this.#file, why)
  }
}

function isCount(value: Value | undefined): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}

function isCounts(value: Value | undefined): value is number[] {
  return Array.isArray(value) && value.length <= 16 && value.every(isCount)
}

function refusal(file: string, why: string): AppError {
  return new AppError('bad-checkpoint', `${file} is not opened: ${why}; save the model again as safetensors.`)
}

/** Instructions of `pickletools`, protocol 2, as far as `torch.save` writes them for state dicts. */
const OP = {
  mark: 0x28,
  stop: 0x2e,
  byte: 0x4b,
  short: 0x4d,
  int: 0x4a,
  long: 0x8a,
  float: 0x47,
  text: 0x58,
  put: 0x71,
  longPut: 0x72,
  get: 0x68,
  longGet: 0x6a,
  tuple: 0x74,
  tuple1: 0x85,
  tuple2: 0x86,
  tuple3: 0x87,
  append: 0x61,
  appends: 0x65,
  setItem: 0x73,
  setItems: 0x75,
  global: 0x63,
  persistentId: 0x51,
  reduce: 0x52,
  newObject: 0x81,
  build: 0x62,
} as const

const SIMPLE = new Map<number, () => Value>([
  [0x4e, () => null],
  [0x88, () => true],
  [0x89, () => false],
  [0x7d, () => new Dictionary()],
  [0x5d, () => []],
  [0x29, () => []],
])
