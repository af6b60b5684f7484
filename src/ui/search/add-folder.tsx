import type { ChangeEvent, ReactElement } from 'react'
import { useFileField } from '../taking/choose-files.tsx'
import { folderName } from '../taking/dropped-files.ts'
import { useApp } from '../store-context.ts'

/**
 * How a folder to search in is chosen. The field is for browsers that have no picker of folders. It stays where it is drawn,
 * while the buttons for it come and go: what is chosen in one that has left the page is lost.
 */
export function useAddFolder(): [field: ReactElement, choose: () => void] {
  const { chooseFolder, addFiles } = useApp((state) => state.searchActions)
  const [input, open] = useFileField()
  const choose = async (): Promise<void> => {
    if (!(await chooseFolder())) open()
  }
  const onChange = (event: ChangeEvent<HTMLInputElement>): void => {
    const files = [...(event.target.files ?? [])].map((file) => ({
      path: file.webkitRelativePath || file.name,
      file,
    }))
    if (files.length > 0) void addFiles(folderName(files), files)
    // The same folder may be chosen again.
    event.target.value = ''
  }
  const field = (
    <input ref={input} type="file" hidden multiple {...{ webkitdirectory: '' }} onChange={onChange} />
  )
  return [field, () => void choose()]
}
