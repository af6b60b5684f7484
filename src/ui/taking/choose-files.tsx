import { useCallback, useRef, type ComponentProps, type ReactElement, type RefObject } from 'react'
import { useTakeFiles } from './use-taking.ts'

/** The field behind "Choose image": hidden, opened by whatever button has its `ref`. */
export function PictureInput({
  input,
  ...rest
}: { input: RefObject<HTMLInputElement | null> } & ComponentProps<'input'>): ReactElement {
  const take = useTakeFiles()
  return (
    <input
      ref={input}
      type="file"
      accept="image/*"
      multiple
      hidden
      {...rest}
      onChange={(event) => {
        take([...(event.target.files ?? [])])
        // The same file may be chosen again.
        event.target.value = ''
      }}
    />
  )
}

/** A file field and what opens it. */
export function useFileField(): [RefObject<HTMLInputElement | null>, () => void] {
  const input = useRef<HTMLInputElement>(null)
  const open = useCallback(() => input.current?.click(), [])
  return [input, open]
}
