/**
 * What a translation may be: the groups and keys of the English words, each with a text. That every key is there, with
 * the plural forms of its language and the same variables, is what `messages.test.ts` holds: which forms a language has
 * (CLDR), types cannot say.
 */
import type { en } from './en/en.ts'

export type Words = typeof en
export type Namespace = keyof Words

/** `one` of `turns_one`: the forms differ from language to language. */
type Form = 'zero' | 'one' | 'two' | 'few' | 'many' | 'other'
type Stem<Key extends string> = Key extends `${infer Base}_${Form}` ? Base : Key

type TranslatedGroup<Group> = {
  [
    Key in keyof Group & string as Group[Key] extends string
      ? Key extends `${string}_${Form}`
        ? never
        : Key
      : Key
  ]: Group[Key] extends string ? string : TranslatedGroup<Group[Key]>
} & {
  [Key in keyof Group & string as Key extends `${string}_${Form}` ? `${Stem<Key>}_${Form}` : never]?: string
}

export type TranslatedNamespace<Name extends Namespace> = TranslatedGroup<Words[Name]>

/** A language may still lack a whole namespace, for which English stands in. */
export type Translated = { [Name in Namespace]?: TranslatedNamespace<Name> }
