# Puts style, engine and scripts into the page: PAGE of FOLDER/index.html, FOLDER/style.css, ENGINE and SCRIPTS.
file(READ ${FOLDER}/style.css page_style)
file(READ ${ENGINE} page_engine)
set(page_scripts "")
foreach(script IN LISTS SCRIPTS)
    file(READ ${script} text)
    string(APPEND page_scripts "${text}\n")
endforeach()
configure_file(${FOLDER}/index.html ${PAGE} @ONLY)
