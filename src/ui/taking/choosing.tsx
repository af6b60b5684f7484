import { createContext, useContext, type ReactElement, type ReactNode } from 'react'
import { PictureInput, useFileField } from './choose-files.tsx'

const ChoosePictures = createContext<() => void>(() => undefined)

/**
 * The one field by which pictures are chosen from this device. It stays while the buttons for it come and go: what is chosen
 * in a field that has left the page is lost.
 */
export function Choosing({ children }: { children: ReactNode }): ReactElement {
  const [input, choose] = useFileField()
  return (
    <ChoosePictures value={choose}>
      {children}
      <PictureInput input={input} />
    </ChoosePictures>
  )
}

/** Opens that field. */
export function useChoosePictures(): () => void {
  return useContext(ChoosePictures)
}
