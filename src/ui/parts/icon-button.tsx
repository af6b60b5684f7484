import type { ComponentProps, ReactElement } from 'react'
import { Icon, type IconName } from './icons.tsx'

interface IconButtonProps extends Omit<ComponentProps<'button'>, 'children'> {
  icon: IconName
  /** Its name, which is also shown when a pointer rests on it. */
  label: string
}

/** A button that is only a drawing. */
export function IconButton({ icon, label, className = '', ...rest }: IconButtonProps): ReactElement {
  return (
    <button type="button" {...rest} className={`icon-button ${className}`} aria-label={label} title={label}>
      <Icon name={icon} />
    </button>
  )
}
