"""Where does a mesh, weight or voice that is not ours come from?"""
