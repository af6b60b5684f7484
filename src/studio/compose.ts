/** From a model's words to the caption that is kept: what is put around them, and what becomes of one that is there. */

export const EXISTING = ['skip', 'overwrite', 'append', 'prepend'] as const
/** What to do with a caption that is there. */
export type Existing = (typeof EXISTING)[number]

export interface Dress {
  /** Before everything: the word that a diffusion model is to learn a subject by. */
  trigger: string
  prefix: string
  suffix: string
}

export const PLAIN: Dress = { trigger: '', prefix: '', suffix: '' }

/** Words of a model, dressed. A prefix or suffix stands as it was given; the trigger is set off by a comma, as trainers want it. */
export function dressed(text: string, { trigger, prefix, suffix }: Dress): string {
  const whole = `${prefix}${text}${suffix}`.trim()
  if (trigger.trim() === '') return whole
  return whole === '' ? trigger.trim() : `${trigger.trim()}, ${whole}`
}

/** Whether a picture is to be captioned at all. */
export function isWanted(earlier: string, existing: Existing): boolean {
  return existing !== 'skip' || earlier.trim() === ''
}

/** The caption that is kept. Two are joined by a comma and a space, unless the first one ends a sentence. */
export function combined(earlier: string, fresh: string, existing: Existing): string {
  const [there, now] = [earlier.trim(), fresh.trim()]
  if (there === '' || existing === 'overwrite') return now
  if (existing === 'skip' || now === '') return there
  return existing === 'append' ? joined(there, now) : joined(now, there)
}

function joined(first: string, second: string): string {
  return /[.!?,;:]$/.test(first) ? `${first} ${second}` : `${first}, ${second}`
}
