/** Fields of the studio's forms: a text or number with its label, and a choice of a few. */
import type { ReactElement } from 'react'

export function Field({
  label,
  value,
  onChange,
  type = 'text',
  placeholder,
  disabled = false,
}: {
  label: string
  value: string
  onChange: (value: string) => void
  type?: 'text' | 'number'
  placeholder?: string
  disabled?: boolean
}): ReactElement {
  return (
    <label>
      {label}
      <input
        type={type}
        step="any"
        value={value}
        disabled={disabled}
        placeholder={placeholder}
        onChange={({ target }) => onChange(target.value)}
      />
    </label>
  )
}

export function Chosen<T extends string>({
  label,
  values,
  value,
  name,
  onChange,
  disabled = false,
}: {
  label: string
  values: readonly T[]
  value: T
  name: (value: T) => string
  onChange: (value: T) => void
  disabled?: boolean
}): ReactElement {
  return (
    <label>
      {label}
      <select
        value={value}
        disabled={disabled}
        onChange={({ target }) => {
          const chosen = values.find((one) => one === target.value)
          if (chosen !== undefined) onChange(chosen)
        }}
      >
        {values.map((one) => (
          <option key={one} value={one}>
            {name(one)}
          </option>
        ))}
      </select>
    </label>
  )
}
