import { useEffect, useRef, type KeyboardEvent, type ReactElement } from 'react'
import { isComposed, isEnterToSend } from './enter.ts'

/** A text box of one line that grows with its text. Enter is an action, Shift+Enter a line break. */
export function AutoTextarea({
  label,
  value,
  onChange,
  onEnter,
  onEscape,
  placeholder,
  focused = false,
  disabled = false,
}: {
  label: string
  value: string
  onChange: (value: string) => void
  onEnter: () => void
  onEscape?: () => void
  placeholder?: string
  focused?: boolean
  disabled?: boolean
}): ReactElement {
  const box = useRef<HTMLTextAreaElement>(null)
  useEffect(() => {
    if (focused) box.current?.focus()
  }, [focused])
  const onKeyDown = (event: KeyboardEvent): void => {
    if (isEnterToSend(event.nativeEvent)) {
      event.preventDefault()
      onEnter()
    } else if (event.key === 'Escape' && onEscape !== undefined && !isComposed(event.nativeEvent)) {
      event.stopPropagation()
      onEscape()
    }
  }
  return (
    <textarea
      ref={box}
      dir="auto"
      rows={1}
      aria-label={label}
      placeholder={placeholder}
      value={value}
      disabled={disabled}
      onChange={(event) => onChange(event.target.value)}
      onKeyDown={onKeyDown}
    />
  )
}
