/** The few sorts of values that a manifest is made of, as schemas whose messages are the rest of a sentence. */
import * as v from 'valibot'
import { isRecord } from './json.ts'

/** Told of everything that must hold: whether it does, which field is to blame, and what is wrong with it. */
export type Demand = (holds: boolean, field: string, why: string) => void

type FieldsSchema<Entries extends v.ObjectEntries> = v.GenericSchema<
  v.InferInput<v.ObjectSchema<Entries, undefined>>,
  v.InferOutput<v.ObjectSchema<Entries, undefined>>
>

/** An object with these fields; others are left out. Unlike with Valibot's own, no list passes for one. */
/* @__NO_SIDE_EFFECTS__ */
export function fields<Entries extends v.ObjectEntries>(entries: Entries): FieldsSchema<Entries> {
  const record = v.custom<v.InferInput<v.ObjectSchema<Entries, undefined>>>(isRecord, 'must be an object')
  return v.pipe(record, v.object(entries))
}

/** What `schema` takes and `rule` finds nothing wrong with. Fields are named from the value on, with dots. */
/* @__NO_SIDE_EFFECTS__ */
export function ruled<Input, Output>(
  schema: v.GenericSchema<Input, Output>,
  rule: (value: Output, demand: Demand) => void,
): v.GenericSchema<Input, Output> {
  const check = v.rawCheck<Output>(({ dataset, addIssue }) => {
    if (!dataset.typed) return
    const { value } = dataset
    rule(value, (holds, field, why) => {
      if (!holds) addIssue({ message: why, path: pathOf(value, field) })
    })
  })
  return v.pipe(schema, check)
}

/** A whole number from `least` to `most`. */
/* @__NO_SIDE_EFFECTS__ */
export function whole(least: number, most: number): v.GenericSchema<number> {
  const message = `must be a whole number from ${least} to ${most}`
  return v.pipe(v.number(message), v.integer(message), v.minValue(least, message), v.maxValue(most, message))
}

/** A number above 0, or from 0 where `orZero`, to `most`. */
/* @__NO_SIDE_EFFECTS__ */
export function amount(most: number, { orZero = false } = {}): v.GenericSchema<number> {
  const message = `must be a number ${orZero ? 'from' : 'above'} 0 to ${most}`
  const least = orZero ? 0 : Number.MIN_VALUE
  return v.pipe(v.number(message), v.minValue(least, message), v.maxValue(most, message))
}

/** Text of `least` to `most` characters. */
/* @__NO_SIDE_EFFECTS__ */
export function text(least: number, most: number): v.GenericSchema<string> {
  const message = `must be text of ${least} to ${most} characters`
  return v.pipe(v.string(message), v.minLength(least, message), v.maxLength(most, message))
}

/** Text that fits a pattern; `what` says what it is. */
/* @__NO_SIDE_EFFECTS__ */
export function matching(pattern: RegExp, what: string): v.GenericSchema<string> {
  return v.pipe(v.string(`must be ${what}`), v.regex(pattern, `must be ${what}`))
}

/** A list of `least` to `most` items. */
/* @__NO_SIDE_EFFECTS__ */
export function list<Input, Output>(
  item: v.GenericSchema<Input, Output>,
  least: number,
  most: number,
): v.GenericSchema<Input[], Output[]> {
  const bounded = v.custom<Input[]>(
    (value) => Array.isArray(value) && value.length >= least && value.length <= most,
    `must be a list of ${least === most ? most : `${least} to ${most}`} entries`,
  )
  return v.pipe(bounded, v.array(item))
}

/** A field that may be missing and then stays so. */
export const optional = v.exactOptional

/** A dotted path as Valibot writes it. */
function pathOf(input: unknown, field: string): [v.IssuePathItem, ...v.IssuePathItem[]] {
  const item = (key: string): v.IssuePathItem => ({
    type: 'unknown',
    origin: 'value',
    input,
    key,
    value: undefined,
  })
  const [first = '', ...rest] = field.split('.')
  return [item(first), ...rest.map(item)]
}
