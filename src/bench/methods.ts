/** Methods of the browser's own classes, replaced for as long as something is measured. */

type Method<T> = (this: T, ...args: unknown[]) => unknown

/** Puts another method in the place of one. Returns what puts it back; does nothing where there is no such method. */
export function replaceMethod<T extends object>(
  prototype: T,
  name: keyof T,
  other: (original: Method<T>) => Method<T>,
): () => void {
  const original: unknown = prototype[name]
  if (typeof original !== 'function') return () => undefined
  const place = (value: unknown): void => {
    Object.defineProperty(prototype, name, { value, configurable: true, writable: true })
  }
  place(
    other(function (this: T, ...args) {
      return Reflect.apply(original, this, args) as unknown
    }),
  )
  return () => place(original)
}

/** Calls `note` behind each call of a method. Returns what puts the method back. */
export function after<T extends object>(
  prototype: T,
  name: keyof T,
  note: (subject: T, args: unknown[], result: unknown) => void,
): () => void {
  return replaceMethod(
    prototype,
    name,
    (original) =>
      function (this: T, ...args) {
        const result = original.apply(this, args)
        note(this, args, result)
        return result
      },
  )
}
